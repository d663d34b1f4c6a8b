# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 from outside: framing, Expect, pipelining, what is left of a connection after an error."""
import socket
import threading

import numpy as np
import pytest

import pyramid_reference as reference
from support.arrays import levels_of, request, same, target
from support.process import MIB, await_condition
from support.wire import Wire, chunked, head

A = np.asfortranarray(np.random.default_rng(5).integers(0, 256, (40, 30, 20), dtype=np.uint8))
WANT = reference.averaging(A, (2, 2, 1), 2)
RIGHT = request(A, mips=2, format="npy")
HEALTH = head("GET", "/healthz")
QUERY = target(shape=A.shape, dtype="uint8", mips=2, format="npy")
DATA = A.tobytes("F")


def right(reply):
    got = levels_of(reply, "npy")
    return all(same(got[mip], b) for mip, b in enumerate(WANT, 1))


def test_split_at_any_byte(server, dice):
    """A head that comes in pieces, each in a segment of its own."""
    content = request(A, mips=2, format="npy", framing="chunked", random=dice)
    with server.connect() as wire:
        for _ in range(20):
            end = content.index(b"\r\n\r\n") + 30
            cuts = sorted(dice.randrange(1, end) for _ in range(6))
            for i, j in zip([0, *cuts], [*cuts, len(content)]):
                wire.send(content[i:j])
            assert right(wire.read())


def test_pipelined_requests_are_answered_in_order(server):
    with server.connect() as wire:
        wire.send((RIGHT + HEALTH) * 20)
        for _ in range(20):
            assert right(wire.read())
            assert wire.read("GET").status == 200


def test_pipelining_behind_an_error(server):
    """Behind a refused body the next request is either answered in order, or the connection is closed: never mixed up."""
    bad = request(A, method="best")
    short = head("POST", QUERY, [("Content-Length", len(DATA) - 1)]) + DATA[:-1]
    for mistake in (bad, short, head("GET", "/nothing")):
        with server.connect() as wire:
            wire.send(RIGHT + mistake + HEALTH)
            assert right(wire.read())
            reply = wire.read()
            assert 400 <= reply.status < 500
            if reply.closes:
                wire.expect_closed()
            else:
                assert wire.read("GET").status == 200


def test_a_body_that_looks_like_a_request_is_a_body(server):
    smuggled = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    body = (smuggled * 40)[: 32 * 32]
    with server.connect() as wire:
        for parameters in (dict(shape="32,32", dtype="uint8"), dict(shape="31,32", dtype="uint8")):
            wire.send(head("POST", target(**parameters), [("Content-Length", len(body))]) + body)
            reply = wire.read()
            assert reply.status == (200 if parameters["shape"] == "32,32" else 400)
            if wire.settle(reply) == "closed":
                break


def test_continue_is_said_once_and_only_when_the_body_is_wanted(server):
    fields = [("Content-Length", len(DATA)), ("Expect", "100-continue")]
    with server.connect() as wire:
        for _ in range(3):
            wire.send(head("POST", QUERY, fields))
            interim = wire.read_head()
            assert interim.status == 100
            wire.send(DATA)
            reply = wire.read()
            assert right(reply) and not reply.interim


def test_continue_is_said_before_an_early_answer(server):
    """Behind the answer's head there is no 100 any more, and the client would wait for it."""
    fields = [("Content-Length", len(DATA)), ("Expect", "100-continue"), ("Prefer", "respond-early")]
    with server.connect() as wire:
        for _ in range(2):
            wire.send(head("POST", QUERY, fields))
            assert wire.read_head().status == 100
            begun = wire.read_head()
            assert begun.status == 200 and begun["Preference-Applied"] == "respond-early"
            wire.send(DATA)
            wire.read_exactly(int(begun["Content-Length"]))


@pytest.mark.parametrize("fields,query,status", [
    ([("Content-Type", "image/png")], QUERY, 415),
    ([("Content-Encoding", "br")], QUERY, 415),
    ([], target(shape="4096,4096,4096,1,4096", dtype="uint8"), 413),
    ([], target(shape=A.shape, dtype="uint8", method="best"), 400),
    ([("Accept", "image/png")], target(shape=A.shape, dtype="uint8"), 406),
    ([], "/nothing", 404),
    ([], "/healthz", 405),
])
def test_a_condemned_head_gets_no_continue(fields, query, status, server):
    with server.connect() as wire:
        length = 2**48 if status == 413 else len(DATA)
        wire.send(head("POST", query, [*fields, ("Content-Length", length), ("Expect", "100-continue")]))
        reply = wire.read()
        assert reply.status == status and not reply.interim and reply.problem
        if not reply.closes:
            # The client was told not to send the body, and the connection goes on without it.
            assert wire.settle(reply) == "kept"


def test_continue_to_http_1_0_is_never_said(server):
    with server.connect() as wire:
        wire.send(head("POST", QUERY, [("Content-Length", len(DATA)), ("Expect", "100-continue")], version="1.0"))
        wire.send(DATA)
        reply = wire.read()
        assert right(reply) and not reply.interim


def test_an_early_refusal_is_read_while_the_upload_goes_on(server):
    """The answer reaches a client that sends 64 MiB before it reads: no reset swallows it."""
    for fields, status in (([("Content-Type", "image/png")], 415), ([], 400)):
        query = target(shape="4096,4096,4", dtype="uint8", method="best" if status == 400 else "average")
        for framing in (("Content-Length", 64 * MIB), ("Transfer-Encoding", "chunked")):
            with server.connect() as wire:
                wire.send(head("POST", query, [*fields, framing]))
                block = bytes(MIB)
                part = block if framing[0] == "Content-Length" else b"%x\r\n" % MIB + block + b"\r\n"

                def upload():
                    try:
                        for _ in range(64):
                            wire.socket.sendall(part)
                        if framing[1] == "chunked":
                            wire.socket.sendall(b"0\r\n\r\n")
                    except OSError:
                        pass  # the server may end an upload that it refused

                sender = threading.Thread(target=upload)
                sender.start()
                reply = wire.read()
                assert reply.status == status
                sender.join()
                if not reply.closes:
                    assert wire.settle(reply) == "kept"


def test_clients_that_leave_in_mid_upload(server, figure):
    """They cost nothing: memory and descriptors return, and the next request works."""
    large = request(np.zeros((512, 512, 64), np.uint8), mips=3)
    for _ in range(3):
        assert server.get("/healthz").status == 200
    wires = server.descriptors()
    before = server.memory()
    for round in range(60):
        for unix in (False, True):
            wire = server.connect(unix=unix)
            wire.send(large[: 300 + round * len(large) // 61])
            if round % 3 == 0:
                wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")  # a reset
            elif round % 3 == 1:
                wire.finish_sending()
                wire.read_to_end()
            wire.close()
    with server.connect() as wire:
        wire.send(RIGHT)
        assert right(wire.read())
    await_condition(lambda: server.descriptors() <= wires + 1, "descriptors stay open")
    # Of slab buffers 16 MiB are kept for the next request; the rest is given back some seconds later.
    await_condition(lambda: server.memory() - before < 20 * MIB, "memory does not return")
    grown = server.memory() - before
    figure(f"after 120 aborted uploads of {len(large) / MIB:.0f} MiB the process has grown by {grown / MIB:.1f} MiB")


def test_half_close_after_a_whole_request_is_answered(server):
    for content in (RIGHT, request(A, mips=2, format="npy", framing="chunked")):
        with server.connect() as wire:
            wire.send(content)
            wire.finish_sending()
            assert right(wire.read())
            wire.expect_closed()


def test_connection_close_is_kept(server):
    for value in ("close", "Close", "keep-alive, close"):
        with server.connect() as wire:
            wire.send(request(A, mips=2, format="npy", fields=[("Connection", value)]) + HEALTH)
            reply = wire.read()
            assert right(reply) and reply.closes
            wire.expect_closed()


def test_a_get_with_a_body_is_framed(server):
    with server.connect() as wire:
        wire.send(head("GET", "/healthz", [("Content-Length", 5)]) + b"hello" + HEALTH)
        reply = wire.read("GET")
        assert reply.status == 200
        if not reply.closes:
            assert wire.read("GET").status == 200


GOOD = b"POST " + QUERY.encode() + b" HTTP/1.1\r\nHost: localhost\r\n"
LENGTH = b"Content-Length: %d\r\n" % len(DATA)


@pytest.mark.parametrize("status,content", [
    pytest.param(400, GOOD + LENGTH + b"Transfer-Encoding: chunked\r\n\r\n", id="length-and-chunked"),
    pytest.param(400, GOOD + LENGTH + LENGTH[:-2] + b"0\r\n\r\n", id="two-lengths"),
    pytest.param(400, GOOD + b"Content-Length: +5\r\n\r\n", id="signed-length"),
    pytest.param(400, GOOD + b"Content-Length: 0x10\r\n\r\n", id="hexadecimal-length"),
    pytest.param(400, GOOD + b"Content-Length: \r\n\r\n", id="empty-length"),
    pytest.param(400, GOOD + b"Content-Length: 5 5\r\n\r\n", id="space-in-length"),
    pytest.param(400, GOOD + b"Content-Length: 18446744073709551617\r\n\r\n", id="huge-length"),
    pytest.param(400, GOOD + b"Content-Length : 5\r\n\r\n", id="space-before-colon"),
    pytest.param(400, GOOD + b"X: a\r\n b\r\n\r\n", id="folded"),
    pytest.param(400, GOOD + b"X: a\x00b\r\n\r\n", id="nul"),
    pytest.param(400, GOOD + b"X: a\nY: b\r\n\r\n", id="bare-lf"),
    pytest.param(400, GOOD + b"X: a\rb\r\n\r\n", id="bare-cr"),
    pytest.param(400, GOOD + b": a\r\n\r\n", id="no-name"),
    pytest.param(400, GOOD + b"a b: c\r\n\r\n", id="space-in-name"),
    pytest.param(400, GOOD + b"Host: other\r\n\r\n", id="two-hosts"),
    pytest.param(400, b"GET /healthz HTTP/1.1\r\n\r\n", id="no-host"),
    pytest.param(400, b"GET  /healthz HTTP/1.1\r\nHost: x\r\n\r\n", id="two-spaces"),
    pytest.param(400, b"GET /healthz\r\n\r\n", id="no-version"),
    pytest.param(400, b"GET /health\xffz HTTP/1.1\r\nHost: x\r\n\r\n", id="byte-above-127"),
    pytest.param(505, b"GET /healthz HTTP/2.0\r\nHost: x\r\n\r\n", id="version-2"),
    pytest.param(505, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", id="preface-of-2"),
    pytest.param(400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100) + b"\r\n\r\n", id="tls"),
    pytest.param(501, GOOD + b"Transfer-Encoding: gzip, chunked\r\n\r\n", id="unknown-transfer-coding"),
    pytest.param(400, GOOD + b"Transfer-Encoding: chunked, gzip\r\n\r\n", id="chunked-is-not-last"),
    pytest.param(400, GOOD + b"Transfer-Encoding: chunked, chunked\r\n\r\n", id="chunked-twice"),
    pytest.param(400, GOOD.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n", id="chunked-in-1.0"),
    pytest.param(414, b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", id="long-target"),
    pytest.param(431, GOOD + b"X: " + b"a" * 100_000 + b"\r\n\r\n", id="long-field"),
    pytest.param(431, GOOD + b"X: a\r\n" * 5000 + b"\r\n", id="many-fields"),
])
def test_what_can_be_read_two_ways_is_refused_and_closed(status, content, server):
    with server.connect() as wire:
        wire.send(content)
        reply = wire.read()
        accepted = {status, 501} if b"chunked, " in content else {status}
        accepted |= {400} if status == 505 else set()
        assert reply.status in accepted, (reply.status, reply.body)
        assert reply.problem and reply.closes
        wire.expect_closed()


@pytest.mark.parametrize("body", [
    b"5\r\nhello",
    b"-5\r\nhello\r\n0\r\n\r\n",
    b"0x5\r\nhello\r\n0\r\n\r\n",
    b"\r\nhello\r\n0\r\n\r\n",
    b"5 \r\nhello\r\n0\r\n\r\n",
    b"5\nhello\r\n0\r\n\r\n",
    b"5\r\nhello0\r\n\r\n",
    b"5\r\nhelloXX0\r\n\r\n",
    b"5;a\nb\r\nhello\r\n0\r\n\r\n",
    b"fffffffffffffffff\r\nhello\r\n0\r\n\r\n",
    b"8000000000000000\r\nhello\r\n0\r\n\r\n",
    b"5;" + b"a" * 100_000 + b"\r\nhello\r\n0\r\n\r\n",
    b"5\r\nhello\r\n0\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
], ids=lambda body: repr(body[:24])[2:-1])
def test_bad_chunks_are_400_and_closed(body, server):
    """Whatever the chunks say, an array of five bytes is not made of it."""
    with server.connect() as wire:
        wire.send(head("POST", target(shape="5", dtype="uint8"), [("Transfer-Encoding", "chunked")]) + body)
        if body == b"5\r\nhello":
            wire.finish_sending()
            assert wire.read_to_end()[:15] in (b"", b"HTTP/1.1 400 Ba")
            return
        reply = wire.read()
        assert reply.status in (400, 413, 431) and reply.closes
        wire.expect_closed()


def test_chunk_extensions_and_trailers_are_read_over(server):
    body = b"5;name=value;other\r\nhello\r\n3;x=\"y\"\r\nabc\r\n0\r\nContent-Length: 7\r\nX: y\r\n\r\n"
    with server.connect() as wire:
        wire.send(head("POST", target(shape="8", dtype="uint8", format="raw"), [("Transfer-Encoding", "chunked")]) + body)
        reply = wire.read()
        assert reply.status == 200
        assert wire.settle(reply) == "kept"


def test_one_byte_chunks(server):
    body = chunked(DATA[:2000], iter([1] * 2000))
    with server.connect() as wire:
        wire.send(head("POST", target(shape="2000", dtype="uint8", format="raw"), [("Transfer-Encoding", "chunked")]) + body)
        assert levels_of(wire.read(), "raw")[1].size == 1000


def test_many_connections_at_once(server):
    """128 clients, every one with its own array, all answered with their own pyramid."""
    rng = np.random.default_rng(11)
    arrays = [np.asfortranarray(rng.integers(0, 256, (64, 64, 64), dtype=np.uint8)) for _ in range(16)]
    wants = [reference.averaging(a, (2, 2, 2), 3) for a in arrays]
    wrong = []

    def client(number):
        try:
            talk(number)
        except Exception as error:  # of any kind: it must not be lost with its thread
            wrong.append((number, repr(error)))

    def talk(number):
        a, want = arrays[number % 16], wants[number % 16]
        with Wire(server.unix if number % 2 else server.address) as wire:
            for _ in range(3):
                wire.send(request(a, factor=(2, 2, 2), mips=3, format="npz"))
                got = levels_of(wire.read(), "npz")
                if not all(same(got[mip], b) for mip, b in enumerate(want, 1)):
                    wrong.append(number)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(128)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
