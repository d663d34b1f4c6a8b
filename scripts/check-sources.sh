#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What every source file must keep: the licence line on top, and no trap written on purpose in Sources.
set -euo pipefail
cd "$(dirname "$0")/.."

failed=0
complain() {
    echo "$1: $2" >&2
    failed=1
}

# Files that git knows or would add; sources are never ignored files.
files() { git ls-files --cached --others --exclude-standard -- "$@" | while read -r f; do [ -f "$f" ] && echo "$f"; done; }

while read -r file; do
    lines=1
    # A shebang or the tools version may come first.
    case "$(head -n 1 "$file")" in '#!'* | '// swift-tools-version'*) lines=2 ;; esac
    head -n $lines "$file" | tail -n 1 | grep -Eq '^(//|#) SPDX-License-Identifier: Apache-2\.0$' ||
        complain "$file" "line $lines must be the SPDX-License-Identifier line"
done < <(files '*.swift' '*.c' '*.h' '*.py' '*.sh' '*.mjs' Makefile '*/Makefile' Dockerfile .ci/run)

while read -r found; do
    complain "${found%%:*}" "no trap may be reachable from outside, so none is written: ${found#*:}"
done < <(grep -rnE --include='*.swift' '\bfatalError\(|\btry!|\bas!' Sources || true)

[ $failed -eq 0 ] && echo "Sources: licence lines and traps are in order."
exit $failed
