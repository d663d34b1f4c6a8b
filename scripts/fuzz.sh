#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Builds the fuzzers of Fuzz/ and runs each for some seconds, from its seeds and from what earlier runs found.
#
#   scripts/fuzz.sh [SECONDS [TARGET...]]
#
# A finding is kept in .build-fuzz/findings/TARGET and fails the run: minimise it with
#   .build-fuzz/TARGET -minimize_crash=1 -max_total_time=60 FILE
# and add it to Tests/FuzzCorpus/TARGET once it is mended.
set -eu

cd "$(dirname "$0")/.."
seconds=${1:-60}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- requests chunked query npy inflate settings chunks info origins

build=.build-fuzz
# Coverage and addresses are watched in release code; the standard library's debug checks stay in.
flags="-sanitize=fuzzer,address -assert-config Debug"
compile=""
for flag in $flags; do compile="$compile -Xswiftc $flag"; done
libraries=$(pkg-config --libs libuv zlib yaml-0.1 libturbojpeg spng libcurl)
[ "${PYRAMIDION_ISAL:-1}" = 0 ] || libraries="$libraries $(pkg-config --libs libisal)"

# Swift's own backtracer would wait for a process that libFuzzer holds.
export SWIFT_BACKTRACE=enable=no
failed=""
for target; do
    product=Fuzz$(printf '%s' "$target" | cut -c1 | tr '[:lower:]' '[:upper:]')$(printf '%s' "$target" | cut -c2-)
    # shellcheck disable=SC2086
    swift build -c release --package-path Fuzz --scratch-path "$build" --product "$product" $compile >&2
    rm -f "$build/$target"
    # The archive is made of nothing but these sources, so all of it is wanted.
    # shellcheck disable=SC2086
    swiftc -sanitize=fuzzer,address "$build/release/lib$product.a" $libraries -o "$build/$target" 2>&1 |
        grep -v 'Cannot export local symbol' >&2 || true
    [ -x "$build/$target" ]
    [ "$seconds" -gt 0 ] || continue

    corpus=$build/corpus/$target
    findings=$build/findings/$target
    mkdir -p "$corpus" "$findings"
    dictionary=Fuzz/Dictionaries/$target.dict
    [ -f "$dictionary" ] && dictionary="-dict=$dictionary" || dictionary=""
    echo "== $target: $seconds s"
    # shellcheck disable=SC2086
    nice "$build/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -max_len=4096 $dictionary -artifact_prefix="$findings/" "$corpus" "Tests/FuzzCorpus/$target" \
        >"$build/$target.log" 2>&1 || failed="$failed $target"
    grep -E 'DONE|BINGO|stat::(number_of_executed|average_exec|peak_rss)|SUMMARY|ERROR|Fatal error' \
        "$build/$target.log" | cut -c1-200 || true
done
if [ -n "$failed" ]; then
    echo "findings in:$failed (see $build/findings and $build/*.log)" >&2
    exit 1
fi
