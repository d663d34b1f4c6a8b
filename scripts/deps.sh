#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Installs the Debian packages that are missing here.
#
#   scripts/deps.sh build    what building and running needs
#   scripts/deps.sh test     also what the tests need
#
# Nothing is done, and nobody is asked for anything, when all of it is there.
set -euo pipefail

missing=()

# need PACKAGE COMMAND...: the package is missing unless the command succeeds.
need() {
    local package=$1
    shift
    "$@" >/dev/null 2>&1 || missing+=("$package")
}

build_needs() {
    need pkg-config command -v pkg-config
    need libuv1-dev pkg-config --exists libuv
    need zlib1g-dev pkg-config --exists zlib
    need libyaml-dev pkg-config --exists yaml-0.1
    need libturbojpeg0-dev pkg-config --exists libturbojpeg
    need libspng-dev pkg-config --exists spng
    need libcurl4-openssl-dev pkg-config --exists libcurl
    if [ "${PYRAMIDION_ISAL:-1}" != 0 ]; then need libisal-dev pkg-config --exists libisal; fi
    need curl command -v curl
    need ca-certificates test -e /etc/ssl/certs/ca-certificates.crt
    need git command -v git
}

test_needs() {
    need python3 python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'
    need python3-venv python3 -c 'import venv, ensurepip'
    need xz-utils command -v xz
    need prometheus command -v promtool
    need binutils command -v objdump
    need nginx-light test -x /usr/sbin/nginx
    need chromium command -v chromium
    need fonts-dejavu-core test -e /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf
    need nodejs node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 18 ? 1 : 0)'
}

case "${1:-}" in
    build) build_needs ;;
    test) build_needs && test_needs ;;
    *) echo "usage: scripts/deps.sh build|test" >&2; exit 64 ;;
esac

[ ${#missing[@]} -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null; then
    echo "Missing here, by their Debian names: ${missing[*]}. Install them, then run this again." >&2
    exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "Missing: ${missing[*]}. As root: apt-get install ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo)
fi
echo "Installing ${missing[*]}"
"${as_root[@]}" apt-get update -q
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
