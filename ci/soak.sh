#!/usr/bin/env bash
# Runs the soak test for long: SOAK, default 30m.
set -euo pipefail
cd "$(dirname "$0")/.."
. ci/lib.sh

ci/engine.sh
ci/images.sh
soak=${SOAK:-30m}
say "soak test for $soak"
cd integration
RWSPLIT_SOAK=$soak go test -race -count=1 -timeout 3h -run '^TestSoak$' -v .
