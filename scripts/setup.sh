#!/bin/sh
# Set-up for "make run" and "make test": the Debian packages and the Python environment that they need.
#
#   [PYTHON=python3] [VENV=.venv] scripts/setup.sh run|test
#
# Quick, and without a network, when everything is there: stamps in the environment say for which pyproject.toml,
# interpreter and place it was made. Root gets missing Debian packages installed; anyone else is told which are
# missing and the command that installs them, and goes on as far as that is possible.
set -eu
cd "$(dirname "$0")/.."

goal=${1:-}
python=${PYTHON:-python3}
venv=${VENV:-.venv}

# What is looked for (a command, or a file) and the Debian package that has it.
run_needs="ip:iproute2 ping:iputils-ping curl:curl"
test_needs="$run_needs tshark:tshark nc:netcat-openbsd socat:socat dnsmasq:dnsmasq-base arping:arping nmap:nmap
    gcc:gcc /usr/include/stdio.h:libc6-dev /usr/include/lwip/lwip/init.h:liblwip-dev
    chromium:chromium chromedriver:chromium-driver tcptrace:tcptrace xplot.org:xplot-xplot.org Xvfb:xvfb"

case $goal in
    run) needs=$run_needs what="." without="the demonstration shows less without" ;;
    test) needs=$test_needs what=".[dev]" without="tests that use them are skipped" ;;
    *) echo "usage: scripts/setup.sh run|test" >&2; exit 2 ;;
esac

say() { echo "set-up: $*" >&2; }
fail() { say "$*"; exit 1; }
is_root() { [ "$(id -u)" -eq 0 ]; }
has_apt() { command -v apt-get >/dev/null; }

# The Debian packages of $needs that are missing. An ordinary user's PATH lacks the sbin folders.
missing_packages() (
    PATH=$PATH:/usr/sbin:/sbin
    for need in $needs; do
        case $need in
            /*) [ -e "${need%%:*}" ] || echo "${need##*:}" ;;
            *) command -v "${need%%:*}" >/dev/null || echo "${need##*:}" ;;
        esac
    done | paste -sd ' ' -
)

install_command() {
    if has_apt; then echo "sudo apt-get install $*"; else echo "the system's package manager (Debian's names: $*)"; fi
}

apt() { DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" </dev/null >/dev/null; }

# All packages at once; where that fails (one is unknown here, say) each by itself. What stays missing shows later.
apt_install() {
    say "installing Debian packages: $*"
    apt update || say "apt-get update failed; trying the lists that are there"
    apt install --yes --no-install-recommends "$@" && return
    for package in "$@"; do
        apt install --yes --no-install-recommends "$package" || true
    done
}

# Give root the packages; the others the command.
provide() { if is_root && has_apt; then apt_install "$@"; fi; }

note_missing() { [ -z "$1" ] || say "missing ($without): $1; to install: $(install_command "$1")"; }

# Provide what of $needs is missing, and name what stays missing. What even root did not get is not tried again.
debian_packages() {
    missing=$(missing_packages)
    tried=$venv/.unavailable-$goal
    if [ -n "$missing" ] && [ "$missing" != "$(cat "$tried" 2>/dev/null)" ]; then
        # shellcheck disable=SC2086
        provide $missing
        missing=$(missing_packages)
        if is_root && [ -n "$missing" ] && [ -d "$venv" ]; then echo "$missing" >"$tried"; fi
    fi
    note_missing "$missing"
}

# --- the interpreter ---------------------------------------------------------------------------------------------
command -v "$python" >/dev/null || fail "there is no $python: $(install_command python3 python3-venv)"
interpreter=$("$python" -c '
import os, sys
print(os.path.realpath(sys.executable), sys.version.split()[0], sys.version_info >= (3, 11))')
case $interpreter in
    *True) ;;
    *) fail "$python is older than Python 3.11; name a newer one: make $goal PYTHON=python3.11" ;;
esac

# --- Debian packages ---------------------------------------------------------------------------------------------
debian_packages

# --- is everything else there already? ---------------------------------------------------------------------------
made_for="$interpreter in $(pwd)"
wanted="$made_for $(cat pyproject.toml scripts/setup.sh | sha256sum)"
stamp=$venv/.ready-$goal
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
    exit 0
fi

# --- the Python environment --------------------------------------------------------------------------------------
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    provide python3-venv
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "$python cannot make virtual environments: $(install_command python3-venv)"
fi

# One that was made for another interpreter or place is made anew; one that another hand made is only added to.
clear=
if [ -f "$venv/.made-for" ] && [ "$(cat "$venv/.made-for")" != "$made_for" ]; then clear=--clear; fi
say "Python environment in $venv (a minute, once)"
"$python" -m venv $clear "$venv" || fail "$python could not make a virtual environment in $venv (see above)"
echo "$made_for" >"$venv/.made-for"

install_python() { "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --editable "$what"; }

# python-pytun has wheels for the usual machines; elsewhere it is compiled.
missing_compiler() {
    command -v gcc >/dev/null || printf 'gcc libc6-dev '
    [ -f "$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" ] || printf 'python3-dev '
}

if ! install_python; then
    compiler=$(missing_compiler)
    [ -n "$compiler" ] || fail "pip could not install the Python packages (see above); then: make $goal"
    # shellcheck disable=SC2086
    provide $compiler
    [ -z "$(missing_compiler)" ] || fail "pip failed (see above); to compile: $(install_command "$compiler")"
    install_python || fail "pip could not install the Python packages (see above); then: make $goal"
fi
if [ "$goal" = test ]; then echo "$wanted" >"$venv/.ready-run"; fi
echo "$wanted" >"$stamp"
