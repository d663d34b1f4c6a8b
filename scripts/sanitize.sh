#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Runs the Swift tests under the address sanitizer, with its leak checker, and under the thread sanitizer.
#
#   scripts/sanitize.sh [address|thread]...
#
# TARGETS="UVTests WorkersTests" runs these alone. A finding ends the run. What is suppressed is in
# scripts/sanitize-thread.txt and scripts/sanitize-leaks.txt, each line with its reason.
set -eu

cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- address thread
targets=${TARGETS:-$(find Tests -mindepth 1 -maxdepth 1 -name '*Tests' -exec basename {} \; | sort)}

# Swift's own backtracer would hide the report.
export SWIFT_BACKTRACE=enable=no
export ASAN_OPTIONS="detect_leaks=1:detect_stack_use_after_return=1:abort_on_error=0:exitcode=66"
export LSAN_OPTIONS="suppressions=$PWD/scripts/sanitize-leaks.txt:print_suppressions=0"
export TSAN_OPTIONS="suppressions=$PWD/scripts/sanitize-thread.txt:halt_on_error=0:exitcode=66"
for sanitizer; do
    scratch=.build-$sanitizer
    mkdir -p "$scratch"
    # Release code, as it is shipped, with the standard library's debug checks left in; in debug code the test vectors
    # take hours.
    options="-c release --sanitize=$sanitizer --scratch-path $scratch -Xswiftc -assert-config -Xswiftc Debug -Xswiftc -enable-testing"
    echo "== $sanitizer: build"
    # shellcheck disable=SC2086
    swift build --build-tests $options >"$scratch/build.log" 2>&1 || {
        tail -n 20 "$scratch/build.log" >&2
        exit 1
    }
    # One target after another: beside the kernels' tests, which take every core for minutes here, those of the
    # sockets would run into their time limits.
    for target in $targets; do
        # What a lane is handed under a contended Mutex looks like a race to the thread sanitizer (see its suppressions),
        # and these tests hand everything to lanes: dozens of reports, none of them about anything else.
        [ "$sanitizer $target" != "thread OriginsTests" ] || {
            echo "$target: not under the thread sanitizer"
            continue
        }
        log=$scratch/$target.log
        status=0
        # shellcheck disable=SC2086
        swift test --skip-build $options --disable-xctest --filter "^$target\\." >"$log" 2>&1 || status=$?
        # A report fails the run, whatever the tests said; so does a filter that found no test.
        if grep -qE '(ERROR|WARNING): (Address|Leak|Thread)Sanitizer|Test run with 0 tests' "$log"; then status=66; fi
        echo "$target: $(grep -oE 'Test run with .*' "$log" | tail -n 1)"
        [ "$status" -eq 0 ] || {
            grep -E '(ERROR|WARNING): (Address|Leak|Thread)Sanitizer|^SUMMARY|✘|error:' "$log" | cut -c1-200 >&2 || true
            echo "$sanitizer, $target: failed with $status; the whole report is in $log" >&2
            exit 1
        }
    done
done
