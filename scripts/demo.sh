#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Starts the service, sends it the demo chunk, prints the levels that came back, and goes on serving until Ctrl-C.
#
#   PORT=8080    the port on 127.0.0.1
#   ONCE=1       end after the demo
#   PYRAMIDION   the program, .build/release/pyramidion unless given
set -euo pipefail
cd "$(dirname "$0")/.."

program=${PYRAMIDION:-.build/release/pyramidion}
port=${PORT:-8080}
url=http://127.0.0.1:$port
work=$(mktemp -d)
server=

finish() {
    trap - EXIT INT TERM
    local status=$1
    if [ -n "$server" ] && kill -TERM "$server" 2>/dev/null; then
        wait "$server" || status=$?
    fi
    rm -rf "$work"
    exit "$status"
}
trap 'finish $?' EXIT
trap 'echo; finish 0' INT TERM

# say LINE...: each on a line of its own.
say() { printf "%s\n" "$@"; }

if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
    say "Port $port is taken. Choose another one: PORT=$((port + 1)) make run" >&2
    exit 1
fi

"$program" serve --listen "127.0.0.1:$port" 2>"$work/log" >&2 &
server=$!
for _ in $(seq 200); do
    curl --silent --fail --output /dev/null "$url/readyz" && break
    if ! kill -0 "$server" 2>/dev/null; then
        cat "$work/log" >&2
        say "The service did not start; it said so above. If port $port is the matter: PORT=$((port + 1)) make run" >&2
        server=
        exit 1
    fi
    sleep 0.05
done

# pyramid NAME QUERY: one POST, its levels as a table.
pyramid() {
    local name=$1 query=$2 size seconds status
    read -r status size seconds < <(
        curl --silent --show-error --output "$work/answer" --dump-header "$work/head" \
            --write-out '%{http_code} %{size_download} %{time_total}\n' \
            --header 'Content-Type: application/x-npy' --header 'Content-Encoding: gzip' \
            --data-binary "@Tests/Data/$name" "$url/v1/pyramid?$query&format=raw"
    ) || true
    if [ "${status:-}" != 200 ]; then
        say "$name: status ${status:-none}" >&2
        cat "$work/answer" "$work/log" >&2 || true
        exit 1
    fi
    say "" "$name  ->  POST /v1/pyramid?$query"
    tr -d '\r' <"$work/head" | awk -v size="$size" -v seconds="$seconds" '
        tolower($1) == "pyramid-dtype:" { type = $2; width = type; gsub(/[^0-9]/, "", width); width /= 8 }
        tolower($1) == "pyramid-levels:" { sub(/^[^:]*: */, ""); levels = $0 }
        END {
            count = split(levels, level, /\), */)
            printf "  %4s  %-18s %12s\n", "mip", "shape", "bytes"
            for (i = 1; i <= count; i++) {
                gsub(/[()]/, "", level[i])
                axes = split(level[i], n, " ")
                bytes = width; shape = ""
                for (a = 2; a <= axes; a++) { bytes *= n[a]; shape = shape (a > 2 ? " x " : "") n[a] }
                printf "  %4d  %-18s %12d\n", n[1], shape, bytes
                sum += bytes
            }
            printf "  %d levels of %s, %d bytes, in %.1f ms\n", count, type, sum, seconds * 1000
            if (count == 0 || sum != size) { print "  but " size " bytes came back" > "/dev/stderr"; exit 1 }
        }'
}

say "Serving on $url"
pyramid demo-em.npy.gz 'method=average&factor=2,2,1&mips=5'
pyramid demo-labels.npy.gz 'method=mode&factor=2,2,2&mips=all'

[ "${ONCE:-}" = 1 ] && exit 0

say "" "Try it, from another terminal:" "" \
    "  curl -H 'Content-Type: application/x-npy' -H 'Content-Encoding: gzip' -o pyramid.npz \\" \
    "       --data-binary @Tests/Data/demo-em.npy.gz '$url/v1/pyramid?factor=2,2,2&mips=3'" "" \
    "Ctrl-C ends the service."
wait "$server" || true
server=
say "The service ended by itself:" >&2
cat "$work/log" >&2
exit 1
