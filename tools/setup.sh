# Shell functions shared by ./analyze and ./check: packages and the build.
#
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash

# as_root COMMAND...: runs it as root, through sudo where needed.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "root or sudo is needed for: $*" >&2
        return 1
    fi
}

# package_list GROUP...: the names of tools/packages in these groups.
package_list() {
    local group
    for group in "$@"; do
        sed -n "s/^$group \([^ ]*\) *\$/\1/p" "$project/tools/packages"
    done
}

# need_packages GROUP...: installs what is missing of these groups.
need_packages() {
    local name names installed missing=()
    if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
        echo "no apt here: the tools named in tools/packages must be there already" >&2
        return 0
    fi
    # No process substitution: a bare root has no /dev/fd.
    mapfile -t names <<<"$(package_list "$@")"
    installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "${names[@]}" 2>/dev/null)
    for name in "${names[@]}"; do
        grep -qx "$name installed" <<<"$installed" || missing+=("$name")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    echo "installing: ${missing[*]}"
    # An answer for wireshark-common's question, and none for anything else.
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q || return
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
}

# build_plugin [TARGET]: configures and builds into build/; quick when nothing changed. A build
# folder that was made for another source folder or Wireshark is made anew. $werror=ON: warnings
# are errors.
build_plugin() {
    local cache=$project/build/CMakeCache.txt version
    version=$(tshark --version 2>/dev/null | sed -n '1s/.*) \([0-9.]*[0-9]\).*/\1/p')
    if [ -f "$cache" ]; then
        if ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$project" "$cache" ||
            [ "$(cat "$project/build/.wireshark" 2>/dev/null)" != "$version" ]; then
            rm -rf "$project/build"
        fi
    fi
    if [ ! -f "$project/build/build.ninja" ] || ! grep -qx "OUTLOOKHTTP_WERROR:BOOL=${werror:-.*}" "$cache"; then
        cmake -S "$project" -B "$project/build" -G Ninja ${werror:+"-DOUTLOOKHTTP_WERROR=$werror"} || return
        echo "$version" >"$project/build/.wireshark"
    fi
    cmake --build "$project/build" ${1:+--target "$1"}
}
