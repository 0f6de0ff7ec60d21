#!/usr/bin/env bash
# Formatting, vet, staticcheck and known vulnerabilities, for every module.
set -uo pipefail
cd "$(dirname "$0")/.."
. ci/lib.sh

gofumpt=mvdan.cc/gofumpt@v0.12.0
staticcheck=honnef.co/go/tools/cmd/staticcheck@v0.8.2
govulncheck=golang.org/x/vuln/cmd/govulncheck@v1.8.0

# Installed and not run by "go run", which hides their exit codes.
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
for tool in "$gofumpt" "$staticcheck" "$govulncheck"; do
	GOBIN=$tools go install "$tool" || die "$tool can't be installed"
done

status=0
unformatted=$("$tools/gofumpt" -l .) || status=1
if [ -n "$unformatted" ]; then
	say "not as gofumpt formats:" $unformatted
	status=1
fi
for script in ci/*.sh .ci/run; do
	bash -n "$script" || status=1
done
while read -r dir; do
	cd "$dir" || exit 1
	say "${dir##*/}"
	go vet ./... || status=1
	"$tools/staticcheck" ./... || status=1
	"$tools/govulncheck" ./...
	case $? in
	0) ;;
	3) status=1 ;; # it found something
	*)
		# Its database is on the network: GOVULNDB may name another place.
		say "NOT COVERED: govulncheck could not run in ${dir##*/}"
		in_ci && status=1
		;;
	esac
done < <(go list -m -f '{{.Dir}}')
exit "$status"
