#!/usr/bin/env bash
# Runs the tests with the oldest versions that are supported: what needs no
# server with the Go that go.mod names, which the go command downloads, and the
# integration tests, loads aside, on PostgreSQL 15 and MariaDB 10.11.
#
#   ci/oldest.sh [go|servers]     one of the two only
set -euo pipefail
cd "$(dirname "$0")/.."
. ci/lib.sh

status=0
if [ "${1:-go}" = go ]; then
	oldest=go$(go mod edit -json | sed -n 's/.*"Go": "\(.*\)".*/\1/p')
	[[ $oldest == *.*.* ]] || oldest+=.0
	say "testing with $(GOTOOLCHAIN=$oldest go version)"
	while read -r dir; do
		case ${dir##*/} in
		integration | difftest) continue ;;
		esac
		(cd "$dir" && GOTOOLCHAIN=$oldest go test -count=1 ./...) || status=1
	done < <(go list -m -f '{{.Dir}}')
fi
if [ "${1:-servers}" = servers ]; then
	export RWSPLIT_POSTGRES_IMAGE=postgres:15 RWSPLIT_POSTGRES_RELEASE=bookworm RWSPLIT_POSTGRES_PACKAGES=postgresql-15
	export RWSPLIT_MARIADB_IMAGE=mariadb:10.11 RWSPLIT_MARIADB_RELEASE=bookworm
	RWSPLIT_IMAGES_TAG=oldest ci/images.sh postgres mariadb
	export RWSPLIT_IMAGE_POSTGRES=rwsplit-test/postgres:oldest RWSPLIT_IMAGE_MARIADB=rwsplit-test/mariadb:oldest
	cd integration
	RWSPLIT_TEST_WITHOUT=mysql go test -race -count=1 -timeout 1h -parallel 3 -skip '^(TestSoak|TestFaults|TestOffload.*)$' . || status=1
fi
exit "$status"
