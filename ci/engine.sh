#!/usr/bin/env bash
# Makes sure that a container engine answers. On Debian as root it installs and
# starts one; elsewhere it says how to get one and fails.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

answers() { timeout 10 docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

if answers; then
	exit 0
fi
if [ -n "${DOCKER_HOST:-}" ]; then
	die "no container engine answers at DOCKER_HOST=$DOCKER_HOST: start it, or unset DOCKER_HOST"
fi
if [ "$(uname)" != Linux ]; then
	die "no container engine answers: start Docker"
fi
if ! is_debian_root; then
	die "no container engine answers: install and start Docker (on Debian: sudo apt-get install docker.io) and make its socket accessible, or run as root on Debian"
fi
if ! command -v docker >/dev/null || ! command -v dockerd >/dev/null; then
	say "installing docker.io"
	packages=(docker.io iptables ca-certificates)
	# Since Debian 13 the command is a package of its own.
	if apt-get update >/dev/null 2>&1 && apt-cache show docker-cli >/dev/null 2>&1; then
		packages+=(docker-cli)
	fi
	apt_install "${packages[@]}" || die "docker.io can't be installed"
fi
if ! answers && [ -d /run/systemd/system ]; then
	systemctl start docker >/dev/null 2>&1 || true
fi
if ! answers; then
	log=${TMPDIR:-/tmp}/rwsplit-dockerd.log
	say "starting dockerd, its log is $log"
	setsid dockerd >"$log" 2>&1 </dev/null &
	for _ in $(seq 60); do
		sleep 0.5
		if answers; then
			break
		fi
	done
	answers || {
		tail -n 5 "$log" >&2
		die "dockerd does not answer after 30 s"
	}
fi
say "container engine $(docker version --format '{{.Server.Version}}') answers"
