# SPDX-License-Identifier: Apache-2.0
"""Each limit run into: the status, the words that name it, and what it costs until then."""
import re
import threading

import numpy as np
import pytest

from support.arrays import request, target
from support.process import MIB, Server, await_condition
from support.wire import chunked, head

HEALTH = head("GET", "/healthz")
A = np.zeros((64, 64, 64), np.uint8)


def running(server, name):
    for line in server.get("/metrics").body.decode().splitlines():
        if line.startswith(f"pyramidion_pyramids_{name} "):
            return int(float(line.split()[1]))
    raise AssertionError(name)


# Heads and framing


@pytest.mark.parametrize("begun,status", [
    (b"GET /", 414), (b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: ", 431), (b"G", 501),
    (b"POST /v1/pyramid HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5;", 413),
    (b"POST /v1/pyramid HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ", 431),
], ids=["target", "field", "method", "chunk-extension", "trailer"])
def test_a_line_without_end_is_refused_and_not_kept(begun, status, server):
    before = server.memory()
    with server.connect() as wire:
        if b"pyramid" in begun:
            begun = begun.replace(b"/v1/pyramid", target(shape="1000", dtype="uint8").encode())
        wire.send(begun)

        def endless():
            try:
                for _ in range(32):
                    wire.socket.sendall(b"a" * MIB)
            except OSError:
                pass  # it may close before it has seen all of it

        sender = threading.Thread(target=endless)
        sender.start()
        reply = wire.read()
        assert reply.status == status and reply.closes and reply.problem
        sender.join()
    assert server.memory() - before < 4 * MIB


def test_fields_without_end_are_refused(server):
    with server.connect() as wire:
        wire.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"X: a\r\n" * 100_000)
        reply = wire.read()
        assert reply.status == 431 and reply.closes
        wire.finish_sending()
        wire.expect_closed()


def test_one_field_may_be_as_long_as_all_together(server):
    """There is one limit on fields, and a single long cookie or token may use it up."""
    with server.connect() as wire:
        wire.send(head("GET", "/healthz", [("Cookie", "a" * 32_000)]))
        assert wire.read("GET").status == 200
        wire.send(head("GET", "/healthz", [("Cookie", "a" * 32_768)]))
        reply = wire.read()
        assert reply.status == 431 and reply.problem["limit"] == "limits.head_bytes"
        assert "32768 bytes" in reply.problem["detail"] and "limits.head_bytes" in reply.problem["detail"]


@pytest.mark.parametrize("body,status", [
    (b"".join(b"1;%s\r\na\r\n" % (b"e" * 1000) for _ in range(20)) + b"0\r\n\r\n", 413),
    (b"5;" + b"e" * 5000 + b"\r\nhello\r\n0\r\n\r\n", 413),
    (b"5\r\nhello\r\n0\r\n" + b"X: a\r\n" * 100 + b"\r\n", 431),
    (b"5\r\nhello\r\n0\r\n" + b"X: %s\r\n" % (b"a" * 9000) + b"\r\n", 431),
], ids=["extensions-in-sum", "extension", "trailers", "trailer"])
def test_chunk_extensions_and_trailers_have_limits(body, status, server):
    with server.connect() as wire:
        wire.send(head("POST", target(shape="100", dtype="uint8"), [("Transfer-Encoding", "chunked")]) + body + HEALTH)
        reply = wire.read()
        assert reply.status == status and reply.closes and reply.problem
        wire.finish_sending()
        wire.expect_closed()


def test_trailers_mean_nothing(server):
    """They frame nothing, close nothing, and are not merged into the head."""
    trailers = b"Connection: close\r\nContent-Length: 9\r\nTransfer-Encoding: gzip\r\nX-Request-Id: from-a-trailer\r\nAccept: image/png\r\n"
    with server.connect() as wire:
        fields = [("Transfer-Encoding", "chunked"), ("Trailer", "Connection")]
        wire.send((head("POST", target(shape="5", dtype="uint8"), fields) + b"5\r\nhello\r\n0\r\n" + trailers + b"\r\n") * 2 + HEALTH)
        for _ in range(2):
            reply = wire.read()
            assert reply.status == 200 and not reply.closes
            assert reply["X-Request-Id"] != "from-a-trailer"
        assert wire.read("GET").status == 200


def test_a_body_over_its_limit_is_413_before_it_is_asked_for():
    with Server(config="limits: {body_bytes: 1MiB}\n") as server:
        with server.connect() as wire:
            wire.send(head("POST", target(shape=2 * MIB, dtype="uint8"), [("Content-Length", 2 * MIB), ("Expect", "100-continue")]))
            reply = wire.read()
            assert reply.status == 413 and not reply.interim and reply.problem["limit"] == "limits.body_bytes"
        with server.connect() as wire:
            wire.send(head("POST", target(shape=2 * MIB, dtype="uint8"), [("Transfer-Encoding", "chunked")]))
            wire.send(chunked(bytes(2 * MIB), iter([65536] * 32)))
            reply = wire.read()
            assert reply.status == 413 and reply.problem["limit"] == "limits.body_bytes" and reply.closes
            assert "limits.body_bytes" in reply.problem["detail"] and str(MIB) in reply.problem["detail"]


def test_no_continue_when_the_body_is_there_already(server):
    with server.connect() as wire:
        fields = [("Content-Length", 5), ("Expect", "100-continue")]
        for _ in range(3):
            wire.send(head("POST", target(shape="5", dtype="uint8"), fields) + b"hello")
            reply = wire.read()
            assert reply.status == 200 and not reply.interim and not reply.closes


# Connections


@pytest.mark.parametrize("limit", ["connections", "connections_per_address"])
def test_a_connection_over_the_limit_is_told_so(limit):
    with Server(config=f"limits: {{{limit}: 4}}\n") as server:
        wires = [server.connect() for _ in range(4)]
        for wire in wires:
            wire.send(HEALTH)
            assert wire.read("GET").status == 200
        with server.connect() as wire:
            reply = wire.read()
            assert reply.status == 503 and reply.closes and "4" in reply.problem["detail"]
            assert reply.problem["limit"] == f"limits.{limit}" and int(reply["Retry-After"]) > 0
            wire.finish_sending()
            wire.expect_closed()
        # A Unix socket is not an address, but a connection.
        with server.connect(unix=True) as wire:
            if limit == "connections":
                assert wire.read().status == 503
            else:
                wire.send(HEALTH)
                assert wire.read("GET").status == 200
        wires.pop().close()
        await_condition(lambda: served(server), "a free place is not given away")
        for wire in wires:
            wire.send(request(A))
            assert wire.read().status == 200
            wire.close()
        assert server.stop() == 0


def served(server):
    with server.connect() as wire:
        wire.send(HEALTH)
        return wire.read("GET").status == 200


# Slowness


def test_a_body_slower_than_the_least_rate_is_408():
    """A byte now and then keeps the limit on gaps, not the one on the rate."""
    with Server(config="limits: {body_rate: 1MiB}\ntimeouts: {body_gap: 300ms}\n") as server:
        with server.connect() as wire:
            wire.send(head("POST", target(shape="1000000", dtype="uint8"), [("Content-Length", 1_000_000)]))
            wire.socket.settimeout(0.05)
            for _ in range(1000):
                wire.send(b"a")
                try:
                    wire.pending += wire.socket.recv(1 << 16)
                    break
                except TimeoutError:
                    continue
            wire.socket.settimeout(30)
            reply = wire.read()
            assert reply.status == 408 and reply.closes and "bytes a second" in reply.problem["detail"]
            assert reply.problem["limit"] == "limits.body_rate" and "limits.body_rate" in reply.problem["detail"]


@pytest.mark.parametrize("begun", [b"", b"ab"], ids=["nothing", "two-bytes"])
def test_a_body_that_stops_is_408_and_told_of_its_gap(begun):
    """The least rate is broken soon after, but it is not what such a client must mend."""
    with Server(config="timeouts: {body_gap: 500ms}\n") as server:
        with server.connect() as wire:
            wire.send(head("POST", target(shape="10000", dtype="uint8"), [("Content-Length", 10_000)]) + begun)
            reply = wire.read()
            assert reply.status == 408 and reply.closes
            assert reply.problem["limit"] == "timeouts.body_gap" and "timeouts.body_gap" in reply.problem["detail"]
            assert "0.5 seconds" in reply.problem["detail"]


@pytest.mark.parametrize("content,status,title", [
    (b"GET  / HTTP/1.1\r\n\r\n", 400, "Bad Request"),
    (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 40_000, 431, "Request Header Fields Too Large"),
    (b"GET /" + b"a" * 20_000, 414, "URI Too Long"),
    (b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n", 501, "Not Implemented"),
    (b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505, "HTTP Version Not Supported"),
    (b"POST / HTTP/1.1\r\nHost: x\r\nExpect: tea\r\nContent-Length: 1\r\n\r\n", 417, "Expectation Failed"),
    (head("POST", target(shape="9", dtype="uint8"), [("Transfer-Encoding", "chunked")]) + b"x\r\n", 400, "Bad Request"),
    (head("POST", target(shape="9", dtype="uint8"), [("Transfer-Encoding", "chunked")]) + b"1;" + b"e" * 5000, 413, "Content Too Large"),
    (head("POST", target(shape="9", dtype="uint8"), [("Content-Length", 9)]) + b"12345678", 408, "Request Timeout"),
], ids=str)
def test_an_error_of_the_transport_has_the_phrase_of_its_status(content, status, title):
    """In its status line and as its title (RFC 9457, 4.2.1)."""
    with Server(config="timeouts: {body_gap: 200ms}\n") as server:
        with server.connect() as wire:
            wire.send(content)
            reply = wire.read()
            assert (reply.status, reply.reason, reply.problem["title"]) == (status, title, title)


def test_a_rest_of_a_body_that_does_not_come_ends_the_connection():
    """Read over to keep the connection, but not for ever."""
    with Server() as server:
        with server.connect() as wire:
            wire.send(head("POST", "/nothing", [("Content-Length", 100)]) + bytes(50))
            reply = wire.read()
            assert reply.status == 404 and not reply.closes
            wire.expect_closed()


# Overload


LARGE = head("POST", target(shape=(1024, 1024, 16), dtype="uint8"), [("Content-Length", 16 * MIB), ("Expect", "100-continue")])


@pytest.fixture(scope="module")
def price():
    """What LARGE costs here: it depends on the lanes."""
    with Server(config="limits: {memory: 1MiB}\n") as server, server.connect() as wire:
        wire.send(LARGE)
        reply = wire.read()
        assert reply.status == 413 and reply.problem["limit"] == "limits.memory"
        return int(re.search(r"needs (\d+) bytes", reply.problem["detail"])[1])


def room(price, queued, wait):
    """A configuration with memory for one of LARGE at a time."""
    return f"limits: {{memory: {price * 3 // 2 // 1024}KiB, requests_queued: {queued}}}\ntimeouts: {{memory_wait: {wait}}}\n"


def test_who_waits_too_long_for_memory_is_503_and_sends_no_body(price):
    with Server(config=room(price, 8, "300ms")) as server, server.connect() as first, server.connect() as second:
        first.send(LARGE)
        assert first.read_head().status == 100
        second.send(LARGE)
        reply = second.read()
        assert reply.status == 503 and not reply.interim
        assert int(reply["Retry-After"]) > 0 and reply.problem["limit"] == "timeouts.memory_wait"
        # The one that was admitted is not touched by it.
        first.send(bytes(16 * MIB))
        assert first.read().status == 200
        assert server.get("/healthz").status == 200


def test_who_finds_the_queue_full_is_503_at_once_and_the_others_come_in_order(price):
    with Server(config=room(price, 3, "1h")) as server:
        wires = [server.connect() for _ in range(4)]
        wires[0].send(LARGE)
        assert wires[0].read_head().status == 100
        for count, wire in enumerate(wires[1:], 1):
            wire.send(LARGE)
            await_condition(lambda: running(server, "waiting") == count, "it does not wait")
        with server.connect() as late:
            late.send(LARGE)
            reply = late.read()
            assert reply.status == 503 and reply["Retry-After"] and reply.problem["limit"] == "limits.requests_queued"
        for wire in wires:
            if wire is not wires[0]:
                assert wire.read_head().status == 100
            assert running(server, "running") == 1
            wire.send(bytes(16 * MIB))
            assert wire.read().status == 200
            wire.close()


def test_one_who_leaves_the_queue_gives_its_place_up(price):
    with Server(config=room(price, 3, "1h")) as server:
        with server.connect() as first:
            first.send(LARGE)
            assert first.read_head().status == 100
            with server.connect() as second:
                second.send(LARGE)
                await_condition(lambda: running(server, "waiting") == 1, "it does not wait")
            await_condition(lambda: running(server, "waiting") == 0, "one who left waits still")
        await_condition(lambda: running(server, "running") == 0, "one who left runs still")
        with server.connect() as third:
            third.send(LARGE)
            assert third.read_head().status == 100
