# SPDX-License-Identifier: Apache-2.0
"""A mutation fuzzer from outside: whatever is sent, what comes back is HTTP, and the next client is served right.

NOISE=100000 sends more of it than a test run has time for.
"""
import os

import numpy as np
import pytest

import pyramid_reference as reference
from support.arrays import levels_of, request, same
from support.corpus import cases
from support.wire import head

A = np.asfortranarray(np.random.default_rng(9).integers(0, 256, (17, 12, 5), dtype=np.uint8))
RIGHT = request(A, format="raw")
WANT = reference.averaging(A, (2, 2, 1), 1)[0]
COUNT = int(os.environ.get("NOISE", 4000))
WORDS = [
    b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b"\r\n\r\n", b"Content-Length: 5\r\n", b"Content-Length: 99999999999999999999\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip, chunked\r\n", b"Expect: 100-continue\r\n", b"Connection: close\r\n",
    b"Host: b\r\n", b"0\r\n\r\n", b"ffffffffffffffff\r\n", b"HTTP/1.0", b"HTTP/2.0", b"%00", b"%2f", b"/../", b"&shape=1", b"shape=-1",
    b"Content-Encoding: gzip\r\n", b"Prefer: respond-early\r\n", b"\x1f\x8b\x08\0", b"\x93NUMPY\x01\0", b"9" * 400, b"a" * 20_000,
]


def seeds():
    grey = np.asfortranarray(np.random.default_rng(3).integers(0, 256, (9, 7, 3), dtype=np.uint16))
    made = [
        request(grey, body=body, coding=coding, framing=framing, method=method, mips=2)
        for body in ("raw", "npy") for coding in ("identity", "gzip", "deflate") for framing in ("length", "chunked")
        for method in ("average", "mode")
    ]
    return made + [case.content for case in cases()] + [head("GET", path) for path in ("/healthz", "/metrics", "/readyz", "/version")]


def mutated(content, dice, others):
    """One to six changes: bits, bytes, words of the protocol, pieces left out, doubled or taken from elsewhere."""
    out = bytearray(content)
    for _ in range(dice.randint(1, 6)):
        at = dice.randrange(len(out) + 1)
        end = min(len(out), at + dice.randint(1, 40))
        match dice.randrange(6):
            case 0 if at < len(out): out[at] ^= 1 << dice.randrange(8)
            case 1 if at < len(out): out[at] = dice.randrange(256)
            case 2: out[at:at] = dice.choice(WORDS)
            case 3: del out[at:end]
            case 4: out[at:at] = out[at:end]
            case 5:
                other = dice.choice(others)
                start = dice.randrange(len(other))
                out[at:end] = other[start:start + dice.randint(1, 80)]
    return bytes(out)


def understood(wire, content):
    """Reads answers to the end; each is one whole answer of a kind that a client may be given."""
    count = 0
    while True:
        try:
            if not wire.pending:
                wire.pending += wire.socket.recv(1 << 20)
            if not wire.pending:
                return count
            reply = wire.read("GET")
        except ConnectionResetError:
            return count  # a doubtful request with more behind it than is read over
        except EOFError:
            # Only an answer that began early may stop before its end.
            assert b"respond-early" in content
            return count
        assert reply.status not in (500, 502), (reply.status, reply.body)
        count += 1
        if reply.closes:
            wire.expect_closed()
            return count


@pytest.mark.parametrize("unix", [False, True], ids=["tcp", "unix"])
def test_noise(unix, server, dice, figure):
    known = seeds()
    answers = 0
    for number in range(COUNT):
        content = mutated(dice.choice(known), dice, known)
        if b"HEAD" in content:
            continue  # whether an answer has a body would have to be known from what the mutation means
        with server.connect(unix=unix) as wire:
            try:
                wire.send(content)
                wire.finish_sending()
                answers += understood(wire, content)
            except BrokenPipeError:
                pass
            except AssertionError as error:
                raise AssertionError(f"{content!r}: {error}") from error
        if number % 50 == 0:
            with server.connect(unix=unix) as wire:
                wire.send(RIGHT)
                assert same(levels_of(wire.read(), "raw")[1], WANT)
    figure(f"{COUNT} mutated requests over {'unix' if unix else 'tcp'} got {answers} answers")
    assert answers > COUNT // 5
