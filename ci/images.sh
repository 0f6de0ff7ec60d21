#!/usr/bin/env bash
# Its output is the engines that it has no image for, one a line.
#
# Gets the database images for the tests: from a registry where one answers,
# else built from Debian packages. Each ends as rwsplit-test/ENGINE:current, or
# with another tag if RWSPLIT_IMAGES_TAG is set.
#
#   ci/images.sh [ENGINE...]     default: postgres mysql mariadb
#
# RWSPLIT_TEST_WITHOUT=mysql,...  leaves engines out.
# RWSPLIT_IMAGES=build|pull       does not try the other way. Default: both.
# DEBIAN_MIRROR=URL               where packages come from. Default: the mirror
#                                 of this machine's own apt sources.
# RWSPLIT_*_IMAGE and the rest of ci/images.env choose versions.
set -euo pipefail
cd "$(dirname "$0")"
. ./lib.sh
. ./images.env
final=${RWSPLIT_IMAGES_TAG:-current}

# recipe is a checksum of everything that decides what an engine's image holds.
recipe() {
	local upper=${1^^}
	local image=RWSPLIT_${upper}_IMAGE release=RWSPLIT_${upper}_RELEASE packages=RWSPLIT_${upper}_PACKAGES
	{
		echo "${!image} ${!release} ${!packages} ${RWSPLIT_IMAGES:-}"
		cat debian-image.sh
	} | sha256sum | cut -c 1-12
}

# pull IMAGE: a machine without a registry must not wait for one, so the answer
# has to begin within seconds; the download itself may take longer.
pull() {
	local log pid waited=0
	log=$(mktemp)
	timeout 600 docker pull "$1" >"$log" 2>&1 &
	pid=$!
	while kill -0 "$pid" 2>/dev/null; do
		if [ "$waited" -ge 40 ] && ! grep -q 'Pulling from' "$log"; then
			kill "$pid" 2>/dev/null || true
			break
		fi
		sleep 0.2
		waited=$((waited + 1))
	done
	if wait "$pid"; then
		rm -f "$log"
		return 0
	fi
	say "no $1 from a registry: $(tail -n 1 "$log" | cut -c 1-200)"
	rm -f "$log"
	return 1
}

image() {
	local engine=$1 name=rwsplit-test/$1 upper=${1^^} tag
	tag=$(recipe "$engine")
	if docker image inspect "$name:$tag" >/dev/null 2>&1; then
		docker tag "$name:$tag" "$name:$final"
		return 0
	fi
	local image=RWSPLIT_${upper}_IMAGE release=RWSPLIT_${upper}_RELEASE packages=RWSPLIT_${upper}_PACKAGES
	local began=$SECONDS
	if [ "${RWSPLIT_IMAGES:-}" != build ]; then
		say "$engine: looking for ${!image}"
		if pull "${!image}"; then
			docker tag "${!image}" "$name:$tag"
			docker tag "${!image}" "$name:$final"
			say "$engine: ${!image} after $((SECONDS - began)) s"
			return 0
		fi
	fi
	if [ "${RWSPLIT_IMAGES:-}" = pull ]; then
		return 1
	fi
	say "$engine: building from Debian ${!release}: ${!packages}"
	./debian-image.sh "$name:$tag" "${!release}" ${!packages} || return 1
	docker tag "$name:$tag" "$name:$final"
	say "$engine: built after $((SECONDS - began)) s"
}

./engine.sh
if [ $# = 0 ]; then
	set -- postgres mysql mariadb
fi

BASE=$(mktemp -d "${TMPDIR:-/var/tmp}/rwsplit-base.XXXXXX")
export BASE
trap 'rm -rf "$BASE"' EXIT

# At once: most of the time is spent waiting for packages.
engines=() pids=()
missing=
for engine in "$@"; do
	if without "$engine"; then
		say "$engine: left out, as RWSPLIT_TEST_WITHOUT says"
		continue
	fi
	image "$engine" >&2 &
	engines+=("$engine")
	pids+=($!)
done
for i in "${!pids[@]}"; do
	if ! wait "${pids[$i]}"; then
		missing+=" ${engines[$i]}"
		echo "${engines[$i]}"
	fi
done
if [ -n "$missing" ]; then
	die "no image for:$missing; RWSPLIT_TEST_WITHOUT=$(echo $missing | tr ' ' ,) accepts that"
fi
