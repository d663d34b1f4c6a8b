# SPDX-License-Identifier: Apache-2.0
"""Arrays that are long along one axis and boxes that are: the input is not held there either."""
import numpy as np
import pytest

from support.arrays import target
from support.process import MIB, Server
from support.wire import head
from test_large import upload

SIDE = 1000
DEPTH = 300
KINDS = 7


def ask(query, parts, count, figure, words, most):
    """Uploads `parts`, `count` bytes in all; the answer's voxels, and a check of the peak above the idle process."""
    with Server() as server, server.connect(timeout=120) as wire:
        idle = server.memory()
        wire.send(head("POST", query, [("Content-Length", count)]))
        sender = upload(wire, parts)
        reply = wire.read_head()
        assert reply.status == 200
        body = wire.read_exactly(int(reply["Content-Length"]))
        sender.join()
        peak = server.memory("VmHWM")
        figure(f"{words}: {count / MIB:.0f} MiB up, peak {(peak - idle) / MIB:.1f} MiB above the idle process")
        assert peak - idle < most * MIB
        wire.close()
        assert server.stop() == 0
    return body


@pytest.mark.parametrize("dtype", ["uint8", "int16"])
@pytest.mark.parametrize("method", ["average", "max", "min", "stride"])
def test_projection(method, dtype, figure):
    """All slices to one, as a projection along z: some slices are held, and as many sums, not all of them."""
    rng = np.random.default_rng(1)
    info = np.iinfo(dtype)
    kinds = [rng.integers(info.min, info.max, (SIDE, SIDE), dtype=dtype, endpoint=True) for _ in range(KINDS)]
    slices = [kinds[z % KINDS] for z in range(DEPTH)]
    raw = [a.tobytes() for a in kinds]
    query = target(shape=(SIDE, SIDE, DEPTH), dtype=dtype, factor=(1, 1, DEPTH), method=method, format="raw")
    width = info.bits // 8
    body = ask(query, (raw[z % KINDS] for z in range(DEPTH)), SIDE * SIDE * DEPTH * width, figure,
               f"{method} of {DEPTH} slices of {dtype}", 48 * width)
    total = sum(a.astype(np.int64) for a in slices)
    want = {
        "average": np.sign(total) * (abs(total) // DEPTH),
        "max": np.maximum.reduce(kinds),
        "min": np.minimum.reduce(kinds),
        "stride": kinds[0],
    }[method].astype(dtype)
    assert body == want.tobytes()


@pytest.mark.parametrize("precision", ["compat", "exact"])
def test_projection_of_floats(precision, figure):
    """Floats are added in the order of the slices, whatever pieces they come in."""
    rng = np.random.default_rng(3)
    kinds = [rng.standard_normal((SIDE, SIDE), dtype=np.float32) for _ in range(KINDS)]
    kinds[0][0, :2] = np.finfo(np.float32).max, np.inf
    raw = [a.tobytes() for a in kinds]
    query = target(shape=(SIDE, SIDE, DEPTH), dtype="float32", factor=(1, 1, DEPTH), precision=precision, format="raw")
    body = ask(query, (raw[z % KINDS] for z in range(DEPTH)), SIDE * SIDE * DEPTH * 4, figure,
               f"{precision} average of {DEPTH} slices of float32", 64)
    total = np.zeros((SIDE, SIDE), np.float64 if precision == "exact" else np.float32)
    mean = np.zeros((SIDE, SIDE))
    with np.errstate(over="ignore"):
        for z in range(DEPTH):
            total += kinds[z % KINDS]
            mean += kinds[z % KINDS] * (1 / np.float64(DEPTH))
    want = np.where(np.isfinite(total), total.astype(np.float64) / DEPTH, mean).astype(np.float32)
    assert body == want.tobytes()


@pytest.mark.parametrize("method", ["average", "max", "mode", "stride"])
def test_one_axis(method, figure):
    """100 MB of one axis by 1000."""
    rng = np.random.default_rng(2)
    block = rng.integers(0, 256, 1_000_000, dtype=np.uint8)
    boxes = block.reshape(-1, 1000)
    raw = block.tobytes()
    query = target(shape=(100_000_000,), dtype="uint8", factor=(1000,), method=method,
                   precision="exact" if method == "mode" else None, format="raw")
    body = ask(query, (raw for _ in range(100)), 100_000_000, figure, f"{method} of one axis", 24)
    want = {
        "average": boxes.sum(1, dtype=np.int64).astype(float) // 1000,
        "max": boxes.max(1),
        "mode": [most_frequent(box) for box in boxes] if method == "mode" else 0,
        "stride": boxes[:, 0],
    }[method]
    assert body == np.asarray(want).astype(np.uint8).tobytes() * 100


def most_frequent(box):
    """The most frequent value; of several the one that comes first."""
    counts = np.bincount(box)
    return box[np.isin(box, np.flatnonzero(counts == counts.max()))][0]


@pytest.mark.parametrize("method,status", [("median", 413), ("mode", 413), ("max", 100), ("average", 100)])
def test_what_holds_its_boxes_says_so(method, status):
    """A projection of 7 GB under a budget of 64 MiB: as for a median of it, the answer says what is held for one box."""
    query = target(shape=(1000, 1000, 7000), dtype="uint8", factor=(1, 1, 7000), method=method, precision="exact")
    with Server(config="limits: {memory: 64MiB}\n") as server, server.connect() as wire:
        wire.send(head("POST", query, [("Content-Length", 7_000_000_000), ("Expect", "100-continue")]))
        if status == 100:
            assert wire.read_exactly(12) == b"HTTP/1.1 100"
        else:
            reply = wire.read()
            assert reply.status == status
            assert "7000000000 bytes of the input are held for one box" in reply.problem["detail"]
