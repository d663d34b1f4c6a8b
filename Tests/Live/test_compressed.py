# SPDX-License-Identifier: Apache-2.0
"""Compressed bodies: what is right in them, what is wrong, and what it may cost."""
import gzip
import os
import random
import struct
import zlib

import numpy as np
import pytest

import pyramid_reference as reference
from support.arrays import levels_of, request, same, target
from support.process import MIB
from support.wire import chunked, head

A = np.asfortranarray((np.arange(32 * 32 * 16) % 251).astype(np.uint8).reshape(32, 32, 16))
DATA = A.tobytes("F")
WANT = reference.averaging(A, (2, 2, 1))[0]
QUERY = target(shape=A.shape, dtype="uint8")


def deflate(data, level=6):
    coder = zlib.compressobj(level, zlib.DEFLATED, -15)
    return coder.compress(data) + coder.flush()


def member(data, flags=0, extra=b"", crc=None, size=None):
    """A gzip member made by hand."""
    crc = zlib.crc32(data) if crc is None else crc
    size = len(data) & 0xFFFFFFFF if size is None else size
    return b"\x1f\x8b\x08" + bytes([flags]) + bytes(4) + b"\x00\xff" + extra + deflate(data) + struct.pack("<II", crc, size)


def header_with_everything():
    """FEXTRA, FNAME, FCOMMENT and FHCRC, as RFC 1952 orders them."""
    flags = 2 | 4 | 8 | 16
    extra = struct.pack("<H", 6) + b"ab\x02\x00xy" + b"name\x00" + b"comment\x00"
    crc16 = zlib.crc32(b"\x1f\x8b\x08" + bytes([flags]) + bytes(4) + b"\x00\xff" + extra) & 0xFFFF
    return member(DATA, flags, extra + struct.pack("<H", crc16))


def cut(*places):
    edges = [0, *places, len(DATA)]
    return b"".join(member(DATA[i:j]) for i, j in zip(edges, edges[1:]))


def post(body, coding="gzip", framing="length", query=QUERY, fields=()):
    fields = [("Content-Encoding", coding), *fields]
    if framing == "chunked":
        dice = random.Random(len(body))
        return head("POST", query, [*fields, ("Transfer-Encoding", "chunked")]) + chunked(
            body, (dice.randint(1, 999) for _ in range(len(body) + 1)))
    return head("POST", query, [*fields, ("Content-Length", len(body))]) + body


@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("coding,body", [
    ("gzip", gzip.compress(DATA, 9)),
    ("gzip", gzip.compress(DATA, 0)),
    ("GZip", gzip.compress(DATA, 1)),
    ("x-gzip", gzip.compress(DATA, 1)),
    ("deflate", zlib.compress(DATA, 9)),
    ("identity", DATA),
    ("gzip", header_with_everything()),
    ("gzip", cut(1)),
    ("gzip", cut(0, 0, 5, 5, len(DATA))),
    ("gzip", cut(*range(1, 1000))),
    ("gzip", member(b"") * 1000 + member(DATA) + member(b"") * 1000),
], ids=["9", "stored", "any-case", "x-gzip", "deflate", "identity", "every-field", "two", "empty-ones", "thousand", "empties"])
def test_good(coding, body, framing, kept, server):
    assert same(levels_of(kept(post(body, coding, framing)), "npz")[1], WANT)


GOOD = gzip.compress(DATA)


def flip(data, at):
    changed = bytearray(data)
    changed[at] ^= 0x55
    return bytes(changed)


@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("coding,body", [
    pytest.param("gzip", b"", id="nothing"),
    pytest.param("gzip", GOOD[:5], id="ends-in-the-header"),
    pytest.param("gzip", GOOD[:len(GOOD) // 2], id="ends-in-the-middle"),
    pytest.param("gzip", GOOD[:-8], id="no-trailer"),
    pytest.param("gzip", GOOD[:-1], id="one-byte-short"),
    pytest.param("gzip", flip(GOOD, -6), id="wrong-checksum"),
    pytest.param("gzip", flip(GOOD, -2), id="wrong-length"),
    pytest.param("gzip", flip(GOOD, 0), id="wrong-magic"),
    pytest.param("gzip", flip(GOOD, 2), id="wrong-method"),
    pytest.param("gzip", GOOD[:3] + b"\xe0" + GOOD[4:], id="reserved-flags"),
    pytest.param("gzip", GOOD + b"garbage", id="garbage-behind"),
    pytest.param("gzip", GOOD + b"\x00", id="a-zero-behind"),
    pytest.param("gzip", GOOD + b"\x1f\x8b", id="half-a-member-behind"),
    pytest.param("gzip", GOOD + GOOD, id="twice"),
    pytest.param("gzip", GOOD + member(b"x"), id="one-byte-in-another-member"),
    pytest.param("gzip", gzip.compress(DATA[:-1]), id="one-voxel-short"),
    pytest.param("gzip", gzip.compress(DATA + b"x"), id="one-voxel-long"),
    pytest.param("gzip", zlib.compress(DATA), id="zlib-for-gzip"),
    pytest.param("gzip", DATA, id="not-compressed"),
    pytest.param("deflate", GOOD, id="gzip-for-zlib"),
    pytest.param("deflate", zlib.compress(DATA)[:-1], id="zlib-cut-short"),
    pytest.param("deflate", flip(zlib.compress(DATA), -1), id="zlib-checksum"),
    pytest.param("deflate", zlib.compress(DATA) + b"x", id="zlib-garbage-behind"),
    pytest.param("deflate", b"\x78\xbb" + bytes(4) + deflate(DATA), id="zlib-dictionary"),
])
def test_broken(coding, body, framing, server):
    with server.connect() as wire:
        wire.send(post(body, coding, framing))
        reply = wire.read()
        assert reply.status == 400, (reply.status, reply.body[:300])
        assert reply.problem["detail"]
        wire.settle(reply)


def test_broken_anywhere(server, dice):
    """A byte changed anywhere is noticed, or does not change the voxels; nothing else."""
    for _ in range(200):
        at = dice.randrange(len(GOOD))
        body = flip(GOOD, at)
        with server.connect() as wire:
            wire.send(post(body))
            reply = wire.read()
            if reply.status == 200:
                assert at in range(3, 10), f"byte {at} of {len(GOOD)} was changed and not noticed"
            else:
                assert reply.status == 400 and reply.problem


def test_cut_anywhere(server, dice):
    for at in sorted({dice.randrange(len(GOOD)) for _ in range(100)}):
        with server.connect() as wire:
            wire.send(post(GOOD[:at]))
            assert wire.read().status == 400, at


def bomb(total, declared):
    """`total` zeros, gzipped, asked for as an array of `declared` bytes."""
    coder = zlib.compressobj(9, zlib.DEFLATED, 31)
    block, body = bytes(MIB), bytearray()
    for _ in range(total // MIB):
        body += coder.compress(block)
    return bytes(body + coder.flush()), target(shape=(declared,), dtype="uint8")


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_bomb_is_stopped_where_the_array_ends(framing, server, figure):
    """1 GiB of zeros in 1 MiB, declared as 1 KiB: refused at once, and the memory stays what it was."""
    body, query = bomb(1024 * MIB, 1024)
    content = post(body, framing=framing, query=query)
    assert len(body) < 1.1 * MIB
    server.get("/healthz")
    server.forget_peak()
    before = server.memory()
    with server.connect() as wire:
        wire.send(content)
        reply = wire.read()
        assert reply.status in (400, 413) and "1024" in reply.problem["detail"], reply.body
        wire.settle(reply)
    grown = server.memory("VmHWM") - before
    figure(f"a bomb of {len(body)} bytes made the peak memory grow by {grown / MIB:.1f} MiB")
    assert grown < 16 * MIB


def test_a_bomb_of_members_is_stopped(server):
    """A hundred thousand empty members: each is legal, none says anything; then garbage."""
    body = member(b"") * 100_000
    before = server.memory()
    with server.connect() as wire:
        wire.send(post(body))
        assert wire.read().status == 400
    assert server.memory() - before < 16 * MIB


def test_a_compressed_upload_is_never_held_whole(server, figure):
    """256 MiB from 256 KiB: the peak is about the answer."""
    shape, factor = (1024, 1024, 256), (4, 4, 4)
    body, _ = bomb(256 * MIB, 0)
    query = target(shape=shape, dtype="uint8", factor=factor, mips=3, format="raw")
    server.get("/healthz")
    server.forget_peak()
    before = server.memory()
    with server.connect() as wire:
        wire.send(post(body, query=query))
        reply = wire.read()
        assert reply.status == 200 and not any(reply.body)
    grown = server.memory("VmHWM") - before
    figure(f"peak memory grew by {grown / MIB:.1f} MiB; the answer is {len(reply.body) / MIB:.1f} MiB")
    # The compressed bytes of each slab on its way are inflated into the slab itself.
    assert grown <= len(reply.body) + 8 * MIB + 6 * MIB * (2 + len(os.sched_getaffinity(0)))


def test_gzip_answers_of_random_and_of_empty_volumes(kept, server):
    for a in (np.zeros((300, 200, 50), np.uint16), np.random.default_rng(3).integers(0, 255, (300, 200, 50), np.uint8)):
        for form in ("npz", "raw"):
            reply = kept(request(a, mips=3, format=form, fields=[("Accept-Encoding", "gzip")]))
            got = levels_of(reply, form)
            assert all(same(got[mip], b) for mip, b in enumerate(reference.averaging(a, (2, 2, 1), 3), 1))
            assert reply["Content-Encoding"] == "gzip" and reply.framing == "chunked"
