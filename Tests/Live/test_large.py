# SPDX-License-Identifier: Apache-2.0
"""Large uploads: the peak memory of the process is about the answer, not about what was sent."""
import os
import threading

import numpy as np
import pytest

import pyramid_reference as reference
from support.arrays import target
from support.process import MIB, Server, await_condition
from support.wire import head

SLICE = (1024, 1024)
KINDS = 7


@pytest.fixture(scope="module")
def slices():
    """Seven slices that a volume repeats, and each one's own pyramid for 2,2,1."""
    rng = np.random.default_rng(1)
    grey = [np.asfortranarray(rng.integers(0, 256, SLICE, dtype=np.uint8)) for _ in range(KINDS)]
    return [a.tobytes("F") for a in grey], [[b.tobytes("F") for b in reference.averaging(a, (2, 2), 5)] for a in grey]


def upload(wire, parts):
    """Sends in a thread of its own, so that the answer can be read meanwhile."""
    sender = threading.Thread(target=lambda: wire.send(*parts))
    sender.start()
    return sender


@pytest.mark.parametrize("transport", ["tcp", "unix"])
@pytest.mark.parametrize("early", [False, True], ids=["whole", "respond-early"])
@pytest.mark.parametrize("mips,levels", [(1, None), (5, "2-5")], ids=["1-mip", "mips-2-5"])
def test_1_gib(mips, levels, early, transport, slices, figure):
    """1024 slices of 1 MiB by 2,2,1; every byte that comes back is looked at."""
    grey, pyramids = slices
    depth = 1024
    query = target(shape=(*SLICE, depth), dtype="uint8", mips=mips, levels=levels, format="raw")
    fields = [("Content-Length", depth * MIB)] + ([("Prefer", "respond-early")] if early else [])
    with Server() as server, server.connect(unix=transport == "unix", timeout=120) as wire:
        idle = server.memory()
        wire.send(head("POST", query, fields))
        sender = upload(wire, (grey[z % KINDS] for z in range(depth)))
        reply = wire.read_head()
        assert reply.status == 200
        size = int(reply["Content-Length"])
        for mip in range(2 if levels else 1, mips + 1):
            for z in range(depth):
                want = pyramids[z % KINDS][mip - 1]
                assert wire.read_exactly(len(want)) == want, f"slice {z} of mip {mip}"
                size -= len(want)
        assert size == 0
        sender.join()
        answer = int(reply["Content-Length"])
        peak = server.memory("VmHWM")
        figure(
            f"1 GiB up, {answer / MIB:.0f} MiB back over {transport}: peak {peak / MIB:.1f} MiB, "
            f"idle {idle / MIB:.1f} MiB, answer + {(peak - answer) / MIB:.1f} MiB")
        # The slabs on their way: one for each lane and two more, of about a MiB, and what the kernels need beside them.
        assert peak <= idle + answer + 8 * MIB + 2 * MIB * (2 + len(os.sched_getaffinity(0)))
        assert early or not reply.closes
        wire.settle(reply)
        wire.close()
        assert server.stop() == 0


def test_memory_returns(slices, figure):
    """Request after request, answers read or not: what one costs is given back, or used again by the next."""
    grey, _ = slices
    with Server() as server:
        idle = server.memory()
        rounds(server, grey)
        # Of slab buffers 16 MiB are kept for the next request.
        await_condition(lambda: server.memory() - idle < 20 * MIB, "memory does not return")
        before = server.memory()
        rounds(server, grey)
        await_condition(lambda: server.memory() - before < 4 * MIB, "memory grows with the number of requests")
        kept, grown = before - idle, server.memory() - before
        figure(
            f"60 requests of 16 MiB left {kept / MIB:.1f} MiB above the idle process, "
            f"60 more {grown / MIB:.1f} MiB above that")
        assert server.stop() == 0


def rounds(server, grey):
    """Sixty requests; every other client leaves before its answer has ended."""
    query = target(shape=(*SLICE, 16), dtype="uint8", mips=2, format="raw")
    for number in range(60):
        with server.connect() as wire:
            wire.send(head("POST", query, [("Content-Length", 16 * MIB)]), *(grey[z % KINDS] for z in range(16)))
            assert wire.read_head().status == 200
            wire.read_exactly(1000 if number % 2 else 16 * MIB // 4 + 16 * MIB // 16)
