#!/usr/bin/env bash
# Builds a container image from Debian packages.
#
#   ci/debian-image.sh NAME:TAG RELEASE PACKAGE...
#
# It needs root and debootstrap, which it installs on Debian. Images made with
# the same directory BASE share a release's base system.
set -euo pipefail
cd "$(dirname "$0")"
. ./lib.sh

name=$1 release=$2
shift 2

# mirror prints where Debian packages come from.
mirror() {
	if [ -n "${DEBIAN_MIRROR:-}" ]; then
		echo "$DEBIAN_MIRROR"
		return
	fi
	local site
	site=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' 2>/dev/null | head -n 1)
	if [ -z "$site" ] && [ "$(id -u)" = 0 ]; then
		apt-get update >/dev/null 2>&1 || true
		site=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' 2>/dev/null | head -n 1)
	fi
	echo "$site"
}

[ "$(id -u)" = 0 ] || die "building an image needs root; with access to a registry images are pulled instead"
exec 9>"${TMPDIR:-/tmp}/rwsplit-debootstrap.lock"
if ! command -v debootstrap >/dev/null; then
	flock 9
	if ! command -v debootstrap >/dev/null; then
		is_debian_root || die "install debootstrap"
		say "installing debootstrap"
		apt_install debootstrap || die "debootstrap can't be installed"
	fi
	flock -u 9
fi
from=$(mirror)
[ -n "$from" ] || die "no Debian mirror in this machine's apt sources: set DEBIAN_MIRROR"

root=$(mktemp -d "${TMPDIR:-/var/tmp}/rwsplit-image.XXXXXX")
chmod 755 "$root" # packages become other users in it
log=$root.log
cleanup() { rm -rf --one-file-system "$root" "$root.base" "$log"; }
trap cleanup EXIT
trap 'exit 130' INT TERM

step() {
	if ! "$@" >>"$log" 2>&1; then
		tail -n 20 "$log" >&2
		die "$name: ${1##*/} failed"
	fi
}

base=${BASE:-$root.base}/$release.tar
mkdir -p "${base%/*}"
exec 8>"$base.lock"
flock 8
if [ ! -e "$base" ]; then
	# A release that is newer than this machine's debootstrap is made as sid is.
	script=
	[ -e "/usr/share/debootstrap/scripts/$release" ] || script=/usr/share/debootstrap/scripts/sid
	include=ca-certificates
	case $from in http://*) include= ;; esac
	step debootstrap --variant=minbase ${include:+--include=$include} "$release" "$root" "$from" $script
	tar -C "$root" --one-file-system -cf "$base.new" .
	mv "$base.new" "$base"
else
	tar -C "$root" -xf "$base"
fi
flock -u 8

# No documentation, no starting of services, no clusters made by packages, and
# this machine's way to the mirror.
cat >"$root/etc/dpkg/dpkg.cfg.d/rwsplit" <<'EOF'
path-exclude=/usr/share/doc/*
path-exclude=/usr/share/man/*
path-exclude=/usr/share/locale/*
force-unsafe-io
EOF
{
	apt-config dump | grep -E '^Acquire::(https?::(Proxy|Verify)|Check-Date|Check-Valid-Until)' || true
	echo 'APT::Install-Recommends "false";'
	echo 'Acquire::Languages "none";'
	# An unstable release's index may be older than it says it should be.
	echo 'Acquire::Check-Valid-Until "false";'
} >"$root/etc/apt/apt.conf.d/90rwsplit"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
mkdir -p "$root/etc/postgresql-common"
echo 'create_main_cluster = false' >"$root/etc/postgresql-common/createcluster.conf"

# in_root runs a command in the image. Some packages want /proc: the mount is seen
# by nobody else and ends with the command. Most do without, where it is not
# allowed.
in_root() {
	if unshare --mount true; then
		unshare --mount sh -c 'mount -t proc proc "$1/proc"; exec chroot "$@"' sh "$root" "$@"
	else
		chroot "$root" "$@"
	fi
}

step in_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 sh -c '
	set -e
	apt-get -q update
	apt-get -qy install "$@"
	for user in mysql postgres; do
		id $user >/dev/null 2>&1 || useradd --system --home-dir /nonexistent --shell /usr/sbin/nologin $user
	done' sh "$@"

# The image is for servers that run for minutes: no package lists, and none of
# LLVM, which PostgreSQL would need for JIT only.
(
	cd "$root"
	rm -rf var/lib/apt/lists/* var/cache/apt/* var/log/* usr/share/doc usr/share/man usr/share/info usr/share/locale \
		usr/lib/*/libLLVM* usr/lib/llvm* usr/lib/postgresql/*/lib/bitcode usr/lib/postgresql/*/lib/llvmjit* \
		etc/apt/apt.conf.d/90rwsplit etc/resolv.conf etc/hostname
)
tar -C "$root" --one-file-system -c . | docker import --change "LABEL rwsplit.release=$release" - "$name" >>"$log" ||
	die "$name: docker import failed"
