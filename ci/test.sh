#!/usr/bin/env bash
# Runs every test of every module in go.work, on a fresh machine too: it gets a
# container engine and the database images. With the race detector, but for
# difftest, in which nothing runs at the same time and much is computed.
#
#   ci/test.sh [DIR...]           the modules in these directories only
#
# RWSPLIT_TEST_WITHOUT=mysql,...  accepts that engines are not covered.
# CI=true                         makes everything that is missing a failure.
set -uo pipefail
cd "$(dirname "$0")/.."
. ci/lib.sh

command -v go >/dev/null || die "no Go: https://go.dev/doc/install"
if [ "$(go env CGO_ENABLED)" != 1 ] || ! command -v "$(go env CC | cut -d ' ' -f 1)" >/dev/null; then
	# The race detector needs a C compiler.
	if is_debian_root; then
		say "installing gcc"
		apt_install gcc libc6-dev || die "gcc can't be installed"
		export CGO_ENABLED=1
	else
		die "the race detector needs a C compiler: install gcc (on Debian: sudo apt-get install gcc libc6-dev)"
	fi
fi

# Compilers are done sooner if they collect less garbage.
export GOGC=${GOGC:-400}

work=$(mktemp -d)
images_job=
lanes=()
cleanup() {
	if [ -n "$images_job" ]; then
		kill "$images_job" 2>/dev/null
	fi
	for lane in ${lanes[@]+"${lanes[@]}"}; do
		kill -- "-$lane" 2>/dev/null
	done
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# The images are made while the tests run that need none.
(
	ci/engine.sh 2>"$work/engine" || {
		cat "$work/engine" >&2
		touch "$work/no-engine"
		exit
	}
	ci/images.sh >"$work/missing"
) &
images_job=$!

go build -o "$work/testreport" ./ci/testreport || exit 1
status=0
export RWSPLIT_TEST_COVERED=$work/covered
touch "$RWSPLIT_TEST_COVERED" "$work/missing"

# test_module DIR [FLAG...]
test_module() {
	local dir=$1
	shift
	say "module ${dir##*/}"
	(cd "$dir" && go test -count=1 -timeout 30m -json "$@" ./...) | "$work/testreport" -totals "$work/totals" || touch "$work/failed"
}

# lane COMMAND...: runs it in the background, in a process group of its own, so
# that cleanup can end all of it.
lane() {
	set -m
	"$@" &
	lanes+=("$!")
	set +m
}

modules=$(go list -m -f '{{.Dir}}') || exit 1
if [ $# -gt 0 ]; then
	modules=$(realpath "$@") || exit 1
fi
containers=() others=() long=()
while read -r dir; do
	if grep -q 'github.com/rwsplit/rwsplit/integration' "$dir/go.mod"; then
		containers+=("$dir")
	elif [ "${dir##*/}" = difftest ]; then
		long+=("$dir") # it keeps one core busy, which the containers leave to it
	else
		others+=("$dir")
	fi
done <<<"$modules"

# The first module is the library, whose tests take longest. The rest is compiled
# and tested beside it.
if [ ${#others[@]} -gt 0 ]; then
	lane test_module "${others[0]}" -race
fi
for dir in "${others[@]:1}"; do
	test_module "$dir" -race
done
for dir in ${containers[@]+"${containers[@]}"}; do
	(cd "$dir" && go test -race -c -o "$work/${dir##*/}.test" .) || touch "$work/failed"
done
[ ${#lanes[@]} = 0 ] || wait "${lanes[@]}"
lanes=()

for dir in ${long[@]+"${long[@]}"}; do
	lane test_module "$dir"
done
if [ ${#containers[@]} -gt 0 ]; then
	kill -0 "$images_job" 2>/dev/null && say "waiting for the database images"
fi
wait "$images_job"
images_job=
not_covered=
if [ -e "$work/no-engine" ]; then
	export RWSPLIT_TEST_CONTAINERS=off
	not_covered="postgres, mysql, mariadb ($(sed 's/^[^:]*: //' "$work/engine" | tail -n 1))"
	in_ci && status=1
elif [ -s "$work/missing" ]; then
	missing=$(paste -sd , "$work/missing")
	not_covered="$missing (no image; RWSPLIT_TEST_WITHOUT=$missing accepts that)"
	export RWSPLIT_TEST_WITHOUT=${RWSPLIT_TEST_WITHOUT:+$RWSPLIT_TEST_WITHOUT,}$missing
	status=1
elif [ -n "${RWSPLIT_TEST_WITHOUT:-}" ]; then
	not_covered="$RWSPLIT_TEST_WITHOUT (RWSPLIT_TEST_WITHOUT)"
fi
# Lanes run side by side, each with clusters of its own: most of the time a test
# waits for replication. The soak test takes long, so it is in a lane with the
# small packages; the other tests are dealt out to two. Tests that keep the
# machine busy come after that.
soak='^TestSoak$'
load='^(TestFaults|TestNoReadBreaksItsPromise|TestNoReadOfAnyTableBreaksItsPromise|TestOffload|TestOffloadByTable)$'

# run_tests NAME TESTS: runs tests of the package that was built.
run_tests() {
	go tool test2json -t -p "$1" "$work/$name.test" -test.v=test2json -test.count=1 -test.paniconexit0 \
		-test.timeout=30m -test.parallel=3 -test.run "$2" |
		"$work/testreport" -totals "$work/totals" || touch "$work/failed"
}

# small_packages runs those below the package that was built.
small_packages() {
	go test -race -count=1 -timeout 30m -parallel 3 -json $(go list ./... | grep -vx "$(go list .)") |
		"$work/testreport" -totals "$work/totals" || touch "$work/failed"
}

# every REST: the pattern of every other one of the remaining tests, from the
# first (REST 1) or the second (REST 0) on.
every() {
	"$work/$name.test" -test.list . | grep '^Test' | grep -Ev "$soak|$load" |
		awk -v rest="$1" 'NR % 2 == rest' | paste -sd '|' | sed 's/.*/^(&)$/'
}

soak_and_packages() {
	run_tests "$name, soak" "$soak"
	small_packages
}

for dir in ${containers[@]+"${containers[@]}"}; do
	name=${dir##*/}
	[ -e "$work/$name.test" ] || continue # it did not build
	say "module $name"
	cd "$dir"
	lane soak_and_packages
	lane run_tests "$name, lane 1" "$(every 1)"
	lane run_tests "$name, lane 2" "$(every 0)"
	wait "${lanes[@]}"
	lanes=()
	run_tests "$name, load" "$load"
	cd "$OLDPWD"
done
[ ${#lanes[@]} = 0 ] || wait "${lanes[@]}"
if [ -e "$work/failed" ]; then
	status=1
fi

covered=$(sort -u "$RWSPLIT_TEST_COVERED" | paste -sd , | sed 's/,/, /g')
total=$("$work/testreport" -totals "$work/totals" -sum)
echo
echo "covered: ${covered:-no database engine}; $(go env GOVERSION); $((SECONDS / 60)) min $((SECONDS % 60)) s"
if [ "$status" != 0 ]; then
	echo "FAILED"
fi
if [ -n "$not_covered" ]; then
	total+="; NOT COVERED: $not_covered"
fi
echo "$total"
exit "$status"
