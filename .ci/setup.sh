# What the machine must have; sourced by the Makefile. For Debian 12 and 13, Ubuntu 22.04 and 24.04.
# Uses apt-get where it is root, and names what is missing elsewhere.
# shellcheck shell=bash

# Commands that the demonstration and the tests by packets need, and the packages that bring them.
TOOLS='nft:nftables ip:iproute2 iptables:iptables ipset:ipset conntrack:conntrack unshare:util-linux
openssl:openssl'

# What else rules a node, which the tests start in network namespaces of theirs. Where systemd runs,
# installing firewalld would begin to filter the machine itself: there only who asks for all tests
# gets it.
NEIGHBOURS='firewalld:firewalld dbus-daemon:dbus'
CNI_PLUGINS=/usr/lib/cni

say() { echo "cnpc: $*" >&2; }

# Print the newest Python that is at least 3.11; a pyenv shim without a version behind it is none.
find_python() {
	local name
	for name in python3.14 python3.13 python3.12 python3.11 python3; do
		if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
			echo "$name"
			return
		fi
	done
	return 1
}

missing_packages() {
	local tool neighbours=''
	if [[ ! -d /run/systemd/system || ${CNPC_REQUIRE_PACKETS:-} == 1 ]]; then
		neighbours=$NEIGHBOURS
	fi
	for tool in $TOOLS $neighbours; do
		PATH=$PATH:/usr/sbin:/sbin command -v "${tool%%:*}" >/dev/null || echo "${tool#*:}"
	done
	[[ -x $CNI_PLUGINS/ptp ]] || echo containernetworking-plugins
	ldconfig_has libnftables.so.1 || echo libnftables1
}

ldconfig_has() {
	# Not grep -q: it would leave before ldconfig is through, and pipefail take that for a failure.
	PATH=$PATH:/usr/sbin:/sbin ldconfig -p 2>/dev/null | grep -F "$1" >/dev/null
}

python_packages() {
	local python
	if ! python=$(find_python); then
		# Ubuntu 22.04 has 3.10 as python3, and 3.11 in universe.
		if apt-cache policy python3 2>/dev/null | grep 'Candidate: 3\.\(9\|10\)\.' >/dev/null; then
			echo python3.11 python3.11-venv
		else
			echo python3 python3-venv
		fi
	elif ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
		"$python" -c 'import sys; print("python{}.{}-venv".format(*sys.version_info))'
	fi
}

apt_install() {
	export DEBIAN_FRONTEND=noninteractive
	say "installing $*"
	apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

can_install() { [[ $EUID -eq 0 ]] && command -v apt-get >/dev/null; }

# Make the system ready; ends with 1 only if there is no Python to go on with.
install_system() {
	local packages updated=''
	packages=$(missing_packages)
	if can_install && [[ -n $packages || -n $(python_packages) ]]; then
		apt-get update -qq || say 'apt-get update failed; trying with the lists there are'
		updated=yes
	fi
	# After the update, as the lists tell which Python there is.
	packages=$(python_packages; missing_packages)
	[[ -z $packages ]] && return
	if [[ -n $updated ]]; then
		# shellcheck disable=SC2086 # a list of names
		apt_install $packages || say "could not install all of: ${packages//$'\n'/ }"
	else
		say "missing packages (Debian and Ubuntu names): ${packages//$'\n'/ }"
		say 'as root they would have been installed; what needs them is left out'
	fi
	if [[ -n $(python_packages) ]]; then
		say 'no Python 3.11 or newer with its venv module: cannot go on'
		return 1
	fi
}

# Make .venv, or keep it if it works from here.
make_venv() {
	local python
	python=$(find_python) || { say 'no Python 3.11 or newer'; return 1; }
	if ! .venv/bin/python -m pip --version >/dev/null 2>&1 || ! belongs_here; then
		rm -rf .venv
		"$python" -m venv .venv
	fi
}

# A venv that was moved still installs into the place where it was made.
belongs_here() {
	.venv/bin/python -c 'import os, sys; sys.exit(not os.path.samefile(sys.prefix, ".venv"))' &&
		grep -qF "$PWD/.venv" .venv/bin/activate
}
