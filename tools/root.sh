#!/bin/bash
# A Debian root below .roots/SUITE with that suite's Wireshark, for ./check --all.
#   root.sh make SUITE               debootstrap, unless a good one is there; packages
#   root.sh version SUITE VERSION    fails unless its tshark is VERSION.x
#   root.sh build SUITE              copies the project and the captures in and builds
#   root.sh run SUITE COMMAND...     in the copied project
# SUITE-fresh is a root with tshark and nothing to build with, for packages to be tried in.
# Copies instead of mounts: nothing is left mounted when a run is cut short.
#
# SPDX-License-Identifier: GPL-2.0-or-later

set -u
project=$(cd "$(dirname "$0")/.." && pwd)
. "$project/tools/setup.sh"
action=$1 suite=$2
shift 2
root=$project/.roots/$suite group=root
if [ "${suite%-fresh}" != "$suite" ]; then
    group=fresh
fi

in_root() {
    as_root chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
        DEBIAN_FRONTEND=noninteractive CTEST_OUTPUT_ON_FAILURE=1 OUTLOOKHTTP_DISPOSABLE=1 "$@"
}

packages_there() {
    local names
    mapfile -t names <<<"$(package_list "$group")"
    # Unpacked is enough for what cannot be configured in a root without services.
    in_root dpkg-query -W -f '${db:Status-Status}\n' "${names[@]}" 2>/dev/null |
        grep -cxE 'installed|unpacked|half-configured' | grep -qx "${#names[@]}" &&
        in_root tshark --version >/dev/null 2>&1
}

case $action in
make)
    if ! in_root true 2>/dev/null; then
        as_root rm -rf "$root"
        mkdir -p "$project/.roots"
        as_root debootstrap --variant=minbase "${suite%-fresh}" "$root" || exit
    fi
    if ! packages_there; then
        mapfile -t names <<<"$(package_list "$group")"
        # A mirror that lags behind has a Release file past its date; its signature is still checked.
        in_root apt-get update -q -o Acquire::Check-Valid-Until=false || exit
        # sid may end with a package half configured; tshark's version says whether it works.
        in_root apt-get install -y -q --no-install-recommends "${names[@]}"
        packages_there || exit
    fi
    ;;
version)
    version=$(in_root tshark --version 2>/dev/null | head -n 1)
    echo "$version"
    case $version in
    *") $1."[0-9]*) ;;
    *) echo "not $1" >&2; exit 1 ;;
    esac
    ;;
build)
    as_root rm -rf "$root/src"
    as_root mkdir -p "$root/src/main" "$root/src/shared" || exit
    tar -C "$project" --exclude=./.git --exclude=./.roots --exclude='./build*' --exclude=./.work -cf - . |
        as_root tar -C "$root/src/main" --no-same-owner -xf - || exit
    if [ -d "$project/../shared/captures" ]; then
        as_root cp -rL "$project/../shared/captures" "$root/src/shared/" || exit
    fi
    in_root sh -c 'cd /src/main && cmake -S . -B build -G Ninja -DOUTLOOKHTTP_WERROR=ON && cmake --build build'
    ;;
run)
    in_root sh -c 'cd /src/main && exec "$@"' sh "$@"
    ;;
*)
    echo "usage: root.sh make|version|build|run SUITE ..." >&2
    exit 2
    ;;
esac
