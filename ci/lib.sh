# What the scripts of ci/ share. It is sourced, not run.

# say prints a progress line; it goes to stderr so that output can be captured.
say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

die() {
	say "$*"
	exit 1
}

# in_ci reports whether what is missing is a failure.
in_ci() { [ "${CI:-}" = true ] || [ "${CI:-}" = 1 ]; }

is_debian_root() {
	[ "$(id -u)" = 0 ] && [ -e /etc/debian_version ] && command -v apt-get >/dev/null
}

# apt_install installs packages without questions; its output shows on failure only.
apt_install() {
	local log
	log=$(mktemp)
	if ! { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"; } >"$log" 2>&1; then
		tail -n 20 "$log" >&2
		rm -f "$log"
		return 1
	fi
	rm -f "$log"
}

# without reports whether RWSPLIT_TEST_WITHOUT names the engine.
without() {
	case ",${RWSPLIT_TEST_WITHOUT:-}," in
	*",$1,"*) return 0 ;;
	esac
	return 1
}
