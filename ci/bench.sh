#!/usr/bin/env bash
# Runs the benchmarks of every module: BENCH chooses (a regular expression).
set -euo pipefail
cd "$(dirname "$0")/.."

while read -r dir; do
	(cd "$dir" && go test -run '^$' -bench "${BENCH:-.}" -benchmem ./... | grep -v 'no test files')
done < <(go list -m -f '{{.Dir}}')
