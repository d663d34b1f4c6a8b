#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Runs the Swift tests under the address sanitizer, with its leak checker, and under the thread sanitizer.
#
#   scripts/sanitize.sh [address|thread]...
#
# A finding ends the run. What is suppressed is in scripts/sanitize-thread.txt and scripts/sanitize-leaks.txt, each line
# with its reason.
set -eu

cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- address thread

# Swift's own backtracer would hide the report.
export SWIFT_BACKTRACE=enable=no
export ASAN_OPTIONS="detect_leaks=1:detect_stack_use_after_return=1:abort_on_error=0:exitcode=66"
export LSAN_OPTIONS="suppressions=$PWD/scripts/sanitize-leaks.txt:print_suppressions=0"
export TSAN_OPTIONS="suppressions=$PWD/scripts/sanitize-thread.txt:halt_on_error=0:exitcode=66"
for sanitizer; do
    scratch=.build-$sanitizer
    log=$scratch/log
    mkdir -p "$scratch"
    echo "== $sanitizer"
    status=0
    swift test --sanitize="$sanitizer" --scratch-path "$scratch" --disable-xctest >"$log" 2>&1 || status=$?
    # A report fails the run, whatever the tests said.
    if grep -qE '(ERROR|WARNING): (Address|Leak|Thread)Sanitizer' "$log"; then status=66; fi
    grep -E '(ERROR|WARNING): (Address|Leak|Thread)Sanitizer|^SUMMARY|Test run with|✘|error:' "$log" | cut -c1-200 || true
    if [ "$status" -ne 0 ]; then
        echo "$sanitizer: failed with $status; the whole report is in $log" >&2
        exit 1
    fi
done
