# SPDX-License-Identifier: Apache-2.0
"""One very large upload: how fast, within how much memory, and is every level right?

    python scripts/upload-load.py [--gib N] [--folder DIR] [--rounds N] [--write FILE]

An array of uint8 is made while it is sent (a block of 64 slices again and again, as bytes and as members of gzip), kept
as a volume with all its mips (average, 2,2,2), and looked at in places drawn by lot. Beside it, in turn, `cat` writes the
same bytes to the same disk. Volumes are removed at the very end: ext4 looks long for a free inode while many were removed
in the last minutes. So it takes two and a half times the array's size below DIR, for each round, and leaves nothing. With
--write the lines also replace those in FILE between the marks <!-- uploads --> and <!-- /uploads -->.
"""
import argparse
import io
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "Tests/Live"))

import numpy as np  # noqa: E402

from support.process import MIB, Server  # noqa: E402
from support.volumes import step  # noqa: E402
from support.wire import head  # noqa: E402

GIB = 1 << 30
# Slices of a block: as many as a chunk has, so that blocks and layers coincide.
DEPTH = 64
SPOTS = 24
CELL = 32


def check(condition, words):
    if not condition:
        raise SystemExit(f"not kept: {words}")


class Array:
    """
    `blocks` times the same block of 64 slices, x fastest: what any level holds anywhere follows from one block.

    With 2,2,2 the mips 0 to 6 repeat with the blocks too, and coarser ones mix slices of blocks that are alike by then.
    """

    def __init__(self, gib, dice):
        # A layer of chunks is 320 MiB; smaller arrays have smaller slices.
        self.x, self.y = (2560, 2048) if gib >= 4 else (1024, 512)
        self.blocks = max(1, round(gib * GIB / (self.x * self.y * DEPTH)))
        rng = np.random.default_rng(dice.getrandbits(32))
        coarse = rng.integers(0, 200, (-(-self.x // CELL), -(-self.y // CELL), DEPTH // CELL), np.uint8)
        block = coarse.repeat(CELL, 0).repeat(CELL, 1).repeat(CELL, 2)[:self.x, :self.y]
        # Low bits of noise, as a camera has: gzip halves it, and no two chunks of a block are alike.
        self.block = np.asfortranarray(block + rng.integers(0, 16, block.shape, np.uint8))
        self.bytes = self.block.tobytes(order="F")
        self.size = len(self.bytes) * self.blocks

    @property
    def shape(self):
        return self.x, self.y, DEPTH * self.blocks

    def member(self):
        """The block as a member of gzip."""
        packer = zlib.compressobj(1, wbits=31)
        return packer.compress(self.bytes) + packer.flush()

    def level(self, mip):
        """The block at a mip to which it reduces without its neighbours."""
        if mip == 0:
            return self.block
        if not hasattr(self, "levels"):
            self.levels = {0: self.block}
        if mip not in self.levels:
            self.levels[mip] = step(self.level(mip - 1)[..., None], (0, 0, 0), (2, 2, 2))[0][..., 0]
        return self.levels[mip]


def processor_seconds(pid):
    """Processor time of a process so far, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def settle():
    """What others have to write is written before a time is taken."""
    os.sync()


def cat(array, piece, count, folder):
    """Seconds of `cat > file; sync` for the same bytes through a pipe."""
    settle()
    path = folder / "cat"
    begun = time.monotonic()
    process = subprocess.Popen(["sh", "-c", f"cat > '{path}' && sync -d '{path}'"], stdin=subprocess.PIPE)
    for _ in range(count):
        process.stdin.write(piece)
    process.stdin.close()
    check(process.wait() == 0, "cat could not write")
    seconds = time.monotonic() - begun
    path.unlink()
    return seconds


def put(server, array, piece, coding):
    """Uploads `blocks` pieces; seconds, and processor seconds of the server."""
    settle()
    fields = [("Content-Length", len(piece) * array.blocks)] + ([("Content-Encoding", coding)] if coding else [])
    shape = ",".join(map(str, array.shape))
    before = processor_seconds(server.process.pid)
    begun = time.monotonic()
    with server.connect(timeout=600) as wire:
        wire.send(head("PUT", f"/v1/volumes/large?shape={shape}&dtype=uint8&method=average&factor=2,2,2", fields))
        for _ in range(array.blocks):
            wire.send(piece)
        reply = wire.read("PUT")
    seconds = time.monotonic() - begun
    check(reply.status == 201, f"{reply.status} {reply.body[:500]}")
    return seconds, processor_seconds(server.process.pid) - before


def look(server, array, dice):
    """Boxes of every level against the block; how many levels there are, and how many boxes were looked at."""
    mips = json.loads(server.get("/v1/volumes/large").content)["mips"]
    boxes = 0
    for mip in mips:
        index, shape = mip["mip"], mip["shape"]
        expected = [-(-size // (1 << index)) for size in array.shape]
        check(shape == expected, f"mip {index} is {shape}, and not {expected}")
        block = array.level(index)
        for _ in range(SPOTS):
            begin = [dice.randrange(size) for size in shape]
            end = [min(size, at + 70) for at, size in zip(begin, shape)]
            box = "_".join(f"{a}-{b}" for a, b in zip(begin, end))
            reply = server.get(f"/v1/volumes/large/cutout?mip={index}&bbox={box}")
            check(reply.status == 200, f"mip {index} {box}: {reply.status}")
            got = np.load(io.BytesIO(reply.content))
            rows = [np.arange(a, b) for a, b in zip(begin, end)]
            # Blocks follow one another along z.
            rows[2] = rows[2] % block.shape[2]
            check(np.array_equal(got, block[np.ix_(*rows)]), f"mip {index} {box}: wrong voxels")
            boxes += 1
    return len(mips), boxes


def measure(options, folder, dice):
    array = Array(options.gib, dice)
    lines = []
    member = array.member()
    for name, piece, coding in (("raw", array.bytes, None), ("gzip", member, "gzip")):
        times = {"cat": [], "put": [], "work": []}
        peaks = []
        for turn in range(options.rounds):
            times["cat"].append(cat(array, array.bytes, array.blocks, folder))
            data = folder / f"{name}-{turn}"
            with Server("--data", str(data)) as server:
                server.forget_peak()
                seconds, work = put(server, array, piece, coding)
                times["put"].append(seconds)
                times["work"].append(work)
                peaks.append(server.memory("VmHWM"))
                levels, boxes = look(server, array, dice)
                check(server.stop() == 0, "the server did not end in order")

        def median(key):
            ordered = sorted(times[key])
            return ordered[len(ordered) // 2]

        rate = array.size / MIB
        lines.append(
            f"* **{name}**: {array.size / GIB:.1f} GiB of uint8 ({' x '.join(map(str, array.shape))}"
            + (f", {len(piece) * array.blocks / GIB:.1f} GiB as sent" if coding else "")
            + f"), {levels} levels: {median('put'):.0f} s, {rate / median('put'):.0f} MiB/s of the array; "
            f"`cat > file; sync` of the array {median('cat'):.0f} s, {rate / median('cat'):.0f} MiB/s; processor {median('work'):.0f} s; "
            f"peak memory {max(peaks) / MIB:.0f} MiB; {boxes} boxes of all levels right to the bit.")
        print(lines[-1], flush=True)
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gib", type=float, default=20, help="size of the array (default: 20)")
    parser.add_argument("--folder", type=Path, default=None, help="where to write (default: the system's place)")
    parser.add_argument("--rounds", type=int, default=1, help="how often each is measured, in turn (default: 1)")
    parser.add_argument("--write", type=Path, help="a file whose lines between the marks are replaced")
    options = parser.parse_args()
    dice = random.Random(os.environ.get("SEED"))
    with tempfile.TemporaryDirectory(prefix="pyramidion-upload-", dir=options.folder) as folder:
        free = shutil.disk_usage(folder).free / GIB
        needed = options.gib * (1 + 2.4 * options.rounds)
        check(free > needed, f"{needed:.0f} GiB are needed in {folder}, and {free:.0f} are free")
        load = os.getloadavg()[0]
        lines = measure(options, Path(folder), dice)
    if options.write:
        text = options.write.read_text()
        before, begin, rest = text.partition("<!-- uploads -->")
        _, end, after = rest.partition("<!-- /uploads -->")
        check(begin and end, f"{options.write} has no marks for the figures")
        told = [f"{os.cpu_count()} cores, client on the same cores, load of the machine before: {load:.1f}.", ""]
        options.write.write_text(before + begin + "\n\n" + "\n".join(told + lines) + "\n\n" + end + after)


if __name__ == "__main__":
    main()
