#!/usr/bin/env bash
# Runs every fuzz target for a short time: FUZZTIME, default 20s each.
set -euo pipefail
cd "$(dirname "$0")/.."
. ci/lib.sh

while read -r dir; do
	cd "$dir"
	for package in $(go list ./...); do
		for target in $(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
			say "$target in $package"
			go test -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-20s}" "$package"
		done
	done
done < <(go list -m -f '{{.Dir}}')
