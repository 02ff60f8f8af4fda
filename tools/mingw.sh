#!/bin/bash
# Compiles core and its unit tests with MinGW's gcc, strictly: that core needs nothing but C11
# and its library. Nothing is run.
#
# SPDX-License-Identifier: GPL-2.0-or-later

set -u
cd "$(dirname "$0")/.." || exit 2
compiler=x86_64-w64-mingw32-gcc
command -v "$compiler" >/dev/null || { echo "no $compiler" >&2; exit 1; }
mapfile -t folders < <(find plugin/core -type d)
passed=0 failed=0
for source in $(find plugin/core -name '*.c' | sort) tests/unit/test_*.c; do
    if "$compiler" -std=c11 -pedantic -Wall -Wextra -Werror -O1 "${folders[@]/#/-I}" -Itests/lib -c "$source" -o /dev/null; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
