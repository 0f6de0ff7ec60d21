#!/usr/bin/env bash
# Removes what test runs leave: containers, networks, volumes, images, binaries.
set -uo pipefail
cd "$(dirname "$0")/.."

rm -rf bin dist
command -v docker >/dev/null || exit 0
filter=label=rwsplit.owner
for container in $(docker ps -aq --filter "$filter"); do
	docker unpause "$container" >/dev/null 2>&1
	docker rm -fv "$container"
done
for network in $(docker network ls -q --filter "$filter"); do
	docker network rm "$network"
done
for label in "$filter" label=rwsplit.seed; do
	for volume in $(docker volume ls -q --filter "$label"); do
		docker volume rm -f "$volume"
	done
done
for image in $(docker images --format '{{.Repository}}:{{.Tag}}' 'rwsplit-test/*'); do
	docker rmi "$image"
done
