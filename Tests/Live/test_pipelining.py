# SPDX-License-Identifier: Apache-2.0
"""Many requests in one segment: answered in order, behind bodies and errors too, and no more of them read than can be answered."""
import socket

import numpy as np
import pytest

import pyramid_reference as reference
from support.arrays import levels_of, request, same, target
from support.process import MIB, Server, await_condition
from support.wire import head

A = np.asfortranarray(np.random.default_rng(8).integers(0, 256, (24, 20, 6), dtype=np.uint8))
WANT = reference.averaging(A, (2, 2, 1), 1)[0]
RIGHT = request(A, format="raw")
HEALTH = head("GET", "/healthz")
VERSION = head("GET", "/version")
NOTHING = head("GET", "/nothing")


def is_right(reply):
    return same(levels_of(reply, "raw")[1], WANT)


@pytest.mark.parametrize("unix", [False, True], ids=["tcp", "unix"])
def test_hundreds_of_requests_in_one_segment(unix, server):
    with server.connect(unix=unix) as wire:
        wire.send((HEALTH + VERSION + NOTHING) * 300)
        for _ in range(300):
            assert b"alive" in wire.read("GET").body
            assert b"version" in wire.read("GET").body
            assert wire.read("GET").status == 404


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_hundreds_of_requests_behind_a_body(framing, server):
    """In one write with the upload, and once more behind each body that follows."""
    post = request(A, format="raw", framing=framing)
    with server.connect() as wire:
        wire.send((post + HEALTH * 100) * 4)
        for _ in range(4):
            assert is_right(wire.read())
            for _ in range(100):
                assert wire.read("GET").status == 200


@pytest.mark.parametrize("mistake,status", [
    (NOTHING, 404), (head("DELETE", "/healthz", [("Content-Length", 3)]) + b"abc", 405),
    (head("POST", target(shape="4", dtype="uint8", method="best"), [("Content-Length", 4)]) + b"abcd", 400),
    (head("POST", target(shape="4", dtype="uint8"), [("Content-Length", 3)]) + b"abc", 400),
    (head("POST", target(shape="4", dtype="uint8"), [("Transfer-Encoding", "chunked")]) + b"3\r\nabc\r\n0\r\n\r\n", 400),
    (head("POST", "/nothing", [("Transfer-Encoding", "chunked")]) + b"3\r\nabc\r\n0\r\n\r\n", 404),
    (head("POST", target(), [("Content-Type", "image/png"), ("Content-Length", 4)]) + b"abcd", 415),
], ids=["404", "405-body", "400-before-body", "400-length", "400-chunked", "404-chunked", "415"])
def test_hundreds_of_requests_behind_an_early_error(mistake, status, server):
    """What is wrong with a request leaves no doubt about where it ends: the connection stays in step."""
    with server.connect() as wire:
        wire.send(HEALTH + mistake + VERSION * 200)
        assert b"alive" in wire.read("GET").body
        reply = wire.read()
        assert reply.status == status and not reply.closes
        for _ in range(200):
            assert b"version" in wire.read("GET").body


def test_nothing_behind_a_broken_request_is_answered(server):
    with server.connect() as wire:
        wire.send(HEALTH * 100 + b"GET /healthz HTTP/1.1\r\nHost : x\r\n\r\n" + HEALTH * 100)
        for _ in range(100):
            assert wire.read("GET").status == 200
        reply = wire.read("GET")
        assert reply.status == 400 and reply.closes
        wire.expect_closed()


def test_answers_without_a_body_stay_in_step(server):
    with server.connect() as wire:
        wire.send((head("HEAD", "/version") + head("OPTIONS", "/v1/pyramid") + head("HEAD", "/nothing") + VERSION) * 50)
        for _ in range(50):
            assert int(wire.read("HEAD")["Content-Length"]) > 0
            assert wire.read("OPTIONS").status == 204
            assert wire.read("HEAD").status == 404
            assert b"version" in wire.read("GET").body


def test_requests_before_a_fin_are_all_answered(server):
    with server.connect() as wire:
        wire.send((HEALTH + RIGHT) * 50)
        wire.finish_sending()
        for _ in range(50):
            assert wire.read("GET").status == 200
            assert is_right(wire.read())
        wire.expect_closed()


def test_requests_behind_a_close_are_not_answered(server):
    with server.connect() as wire:
        wire.send(HEALTH + head("GET", "/version", [("Connection", "close")]) + HEALTH * 100)
        assert not wire.read("GET").closes
        assert wire.read("GET").closes
        wire.expect_closed()


def test_a_connection_has_its_number_of_requests():
    with Server(config="limits: {requests_per_connection: 100}\n") as server:
        with server.connect() as wire:
            wire.send(HEALTH * 150)
            assert [wire.read("GET").closes for _ in range(100)] == [False] * 99 + [True]
            wire.expect_closed()


@pytest.mark.parametrize("content", [HEALTH, RIGHT], ids=["small", "pyramids"])
def test_a_client_that_asks_and_reads_nothing_costs_a_buffer(content, figure):
    """Megabytes of requests: the server stops reading them when their answers are not taken."""
    with Server(config="timeouts: {write_stall: 1h, answer: 1h}\nlimits: {answer_rate: 0, requests_per_connection: 1000000}\n") as server:
        before = server.memory()
        wires = [server.connect() for _ in range(4)]
        stream, sent = content * 1000, 0
        for wire in wires:
            # So that little of what is in flight waits in the kernel.
            wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
            # Until the kernel takes no more for a while: the server has stopped.
            wire.socket.settimeout(0.5)
            try:
                at = 0
                while sent < 1 << 30:
                    count = wire.socket.send(stream[at:])
                    at, sent = (at + count) % len(stream), sent + count
            except TimeoutError:
                pass
        grown = server.memory() - before
        figure(f"{sent / MIB:.1f} MiB of requests on 4 connections that read nothing: the process grew by {grown / MIB:.1f} MiB")
        assert grown < 8 * MIB
        assert server.get("/healthz").status == 200
        for wire in wires:
            wire.close()
        await_condition(lambda: b"\npyramidion_connections 1\n" in server.get("/metrics").body, "they are not noticed to be gone")
        assert server.stop() == 0
