#!/usr/bin/env bash
# Runs the benchmarks of every module, and then the tables of docs/costs.md on
# real replication: what consistency costs in reads that replicas could have
# served, and in questions to the servers.
#
# BENCH=REGEXP   only these benchmarks, and no tables
# OFFLOAD=5s     time for each cell of the tables. Default: 3s
set -euo pipefail
cd "$(dirname "$0")/.."
. ci/lib.sh

while read -r dir; do
	(cd "$dir" && go test -run '^$' -bench "${BENCH:-.}" -benchmem ./... | grep -v 'no test files')
done < <(go list -m -f '{{.Dir}}')

if [ -n "${BENCH:-}" ]; then
	exit 0
fi
# One engine after the other: they would slow each other down.
ci/images.sh >/dev/null || die "the tables need the database servers"
cd integration
RWSPLIT_OFFLOAD=${OFFLOAD:-3s} go test -count=1 -timeout 2h -parallel 1 -v \
	-run '^(TestOffload.*|TestTheTrackersCost|TestSteadyWritesCostThePrimaryLittle)$' .
