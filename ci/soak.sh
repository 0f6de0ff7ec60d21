#!/usr/bin/env bash
# Runs the soak test for long (SOAK, default 30m), and every fault on every
# engine.
set -euo pipefail
cd "$(dirname "$0")/.."
. ci/lib.sh

ci/engine.sh
ci/images.sh
soak=${SOAK:-30m}
say "soak test for $soak"
cd integration
RWSPLIT_SOAK=$soak RWSPLIT_FAULTS=all go test -race -count=1 -timeout 3h -run '^(TestFaults|TestSoak)$' -v .
