#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
The whole table: `make bench`, or for a part of it

    bench.py KERNELS-PROGRAM [--only kernels,posts,gzip,small,sidecar,large,health,start] [--rounds N]

Ratios of medians of interleaved runs; rows that fall short of their reach say NO, and the exit status stays 0:
a benchmark tells, it does not judge.
"""
import argparse
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "Tests/Live"))

import kernel_rows  # noqa: E402
import service_rows  # noqa: E402
import sidecar_rows  # noqa: E402
from harness import HEADER, Kernels, machine  # noqa: E402
from support.process import PROGRAM  # noqa: E402

PARTS = ["kernels", "posts", "gzip", "small", "sidecar", "large", "health", "start"]


def rows(program, parts, rounds):
    if "kernels" in parts:
        kernels = Kernels(program)
        with tempfile.TemporaryDirectory() as place:
            yield from kernel_rows.rows(kernels, Path(place), ROOT, rounds)
        kernels.close()
    if "posts" in parts:
        yield from service_rows.posts(program, ROOT, rounds)
    if "gzip" in parts:
        yield from service_rows.compressed(program, ROOT, rounds)
    if "small" in parts:
        yield from service_rows.small_chunks(program)
    if "sidecar" in parts:
        yield from sidecar_rows.rows(program, ROOT, rounds)
    if "large" in parts:
        yield service_rows.large_upload()
    if "health" in parts:
        yield service_rows.health_under_load()
    if "start" in parts:
        yield from service_rows.start_and_size(PROGRAM)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--only", default=",".join(PARTS))
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    parts = args.only.split(",")
    unknown = set(parts) - set(PARTS)
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    begin = time.monotonic()
    print(f"Machine: {machine()}\n\n{HEADER}", flush=True)
    short = count = 0
    for row in rows(args.program, parts, args.rounds):
        print(row.line(), flush=True)
        count += 1
        short += row.verdict == "NO"
    print(f"\n{count} rows, {short} short of their reach; {(time.monotonic() - begin) / 60:.1f} minutes")


if __name__ == "__main__":
    main()
