# SPDX-License-Identifier: Apache-2.0
"""Endings and faults: signals, a full disk, no descriptors, no memory, clients that stay away. One request fails, the rest goes on."""
import os
import re
import resource
import signal
import socket
import subprocess
import threading

import numpy as np
import pytest

from support.arrays import request, target
from support.process import MIB, PROGRAM, Server, await_condition, clean_environment, run
from support.wire import Wire, head

A = np.zeros((64, 64, 64), np.uint8)
HEALTH = head("GET", "/healthz")


def metric(server, name):
    """The value of a sample of /metrics, by its whole name; 0 when there is none."""
    for line in server.get("/metrics").body.decode().splitlines():
        if line.rpartition(" ")[0] == name:
            return float(line.rpartition(" ")[2])
    return 0


# Signals


@pytest.mark.parametrize("first,second", [
    (signal.SIGTERM, signal.SIGTERM), (signal.SIGINT, signal.SIGINT), (signal.SIGTERM, signal.SIGINT),
], ids=["term-term", "int-int", "term-int"])
def test_a_second_signal_ends_at_once(first, second):
    """Draining would go on for an hour, for an upload that never ends."""
    with Server(config="timeouts: {drain: 1h, body_gap: 1h}\nlimits: {body_rate: 0}\n") as server:
        with server.connect() as wire:
            wire.send(request(A)[:-100])
            server.process.send_signal(first)
            await_condition(lambda: "draining" in server.log, "it does not drain")
            assert server.alive
            server.process.send_signal(second)
            assert server.process.wait(20) == 1
            assert wire.read_to_end() == b""
        assert "a second signal" in server.log


def test_a_log_that_nobody_reads_keeps_nothing_waiting(tmp_path):
    """Standard error is a pipe that is full: requests are answered, and both kinds of end come."""
    for signals in (1, 2):
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        try:
            while True:
                os.write(writer, b"." * 4096)
        except BlockingIOError:
            os.set_blocking(writer, True)
        path = tmp_path / f"socket{signals}"
        process = subprocess.Popen(
            [PROGRAM, "serve", "--listen", f"unix:{path}"], stdin=subprocess.DEVNULL, stderr=writer,
            cwd=tmp_path, env=clean_environment(PYRAMIDION_TIMEOUTS_DRAIN="1h"))
        os.close(writer)
        try:
            await_condition(lambda: answers(path), "it does not answer")
            with Wire(path) as wire:
                wire.send(request(A)[:-100])
                for _ in range(signals):
                    process.send_signal(signal.SIGTERM)
                    await_condition(lambda: not answers(path), "it goes on listening")
                if signals == 1:
                    wire.send(request(A)[-100:])
                    assert wire.read().status == 200
                assert process.wait(30) == (0 if signals == 1 else 1)
        finally:
            process.kill()
            process.wait()
            os.close(reader)


def answers(path):
    try:
        with Wire(path, timeout=10) as wire:
            wire.send(HEALTH)
            return wire.read("GET").status == 200
    except (OSError, EOFError):
        return False


# Descriptors, disk, memory


def test_out_of_descriptors_accepting_pauses_and_existing_clients_are_served(figure):
    with Server() as server:
        kept = [server.connect() for _ in range(4)]
        for wire in kept:
            wire.send(HEALTH)
            assert wire.read("GET").status == 200
        room = 8
        before = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (server.descriptors() + room, before[1]))
        more = [server.connect() for _ in range(3 * room)]
        for wire in more:
            wire.send(HEALTH)
        served = [wire for wire in more[:room] if wire.read("GET").status == 200]
        assert len(served) == room
        for wire in kept:
            wire.send(request(A))
            assert wire.read().status == 200
        # Each place that becomes free goes to one who waits; none is turned away.
        for wire in more[:room]:
            wire.close()
        for wire in more[room:2 * room]:
            assert wire.read("GET").status == 200
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, before)
        for wire in more[2 * room:]:
            assert wire.read("GET").status == 200
        for wire in kept + more[room:]:
            wire.close()
        assert server.stop() == 0
    figure(f"with {room} descriptors for {3 * room} clients all were answered in turn, and older ones meanwhile")


def test_what_the_service_needs_is_opened_at_its_start():
    """A timer whose descriptor is made with the first pyramid would fail when there are none left."""
    with Server() as server:
        folder = f"/proc/{server.process.pid}/fd"

        def timers():
            return {number for number in os.listdir(folder) if "timerfd" in os.readlink(f"{folder}/{number}")}

        with server.connect() as wire:
            wire.send(HEALTH)
            assert wire.read("GET").status == 200
            before = timers()
            for _ in range(3):
                wire.send(request(A))
                assert wire.read().status == 200
            # The timer is made by a task beside the request: one more turn through the service is behind it.
            for _ in range(20):
                wire.send(request(A))
                assert wire.read().status == 200
            assert timers() == before


def test_a_full_disk_under_the_log_costs_no_request(tmp_path):
    with open("/dev/full", "wb") as full:
        path = tmp_path / "socket"
        process = subprocess.Popen(
            [PROGRAM, "serve", "--listen", f"unix:{path}"], stdin=subprocess.DEVNULL, stderr=full, cwd=tmp_path,
            env=clean_environment(PYRAMIDION_LOG_LEVEL="trace"))
    try:
        await_condition(lambda: answers(path), "it does not answer")
        with Wire(path) as wire:
            for _ in range(100):
                wire.send(request(A))
                assert wire.read().status == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def source(tmp_path):
    np.save(tmp_path / "in.npy", np.zeros((512, 512, 16), np.uint8))
    return tmp_path / "in.npy"


def test_a_full_disk_fails_the_pyramid_in_one_line(source):
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [PROGRAM, "pyramid", source, "-o", "-"], stdout=full, stderr=subprocess.PIPE, timeout=60, env=clean_environment())
    assert done.returncode == 1
    assert b"No space left" in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_file_that_may_not_grow_fails_the_pyramid_and_leaves_nothing(source, tmp_path):
    """As a disk does that fills up in the middle: half of it is written, and taken away again."""
    done = run(
        "pyramid", source, "-o", tmp_path / "out.npz",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (MIB // 2, MIB // 2)))
    assert done.returncode == 1, (done.returncode, done.stderr)
    assert b"out.npz" in done.stderr and len(done.stderr.splitlines()) == 1
    assert os.listdir(tmp_path) == ["in.npy"]


def test_memory_that_the_system_refuses_fails_its_request_alone():
    """The budget says yes, the system says no."""
    with Server(config="limits: {memory: 64GiB}\n") as server:
        for _ in range(3):
            with server.connect() as wire:
                wire.send(request(A))
                assert wire.read().status == 200
        size = server.memory("VmSize")
        resource.prlimit(server.process.pid, resource.RLIMIT_AS, (size + 256 * MIB, resource.RLIM_INFINITY))
        for _ in range(3):
            with server.connect() as wire:
                shape = (1 << 16, 1 << 14, 8)
                wire.send(head("POST", target(shape=shape, dtype="uint8"), [
                    ("Content-Length", np.prod(shape, dtype=int)), ("Expect", "100-continue")]))
                reply = wire.read()
                assert reply.status == 503 and reply["Retry-After"] and reply.problem
            with server.connect() as wire:
                wire.send(request(A))
                assert wire.read().status == 200
        assert metric(server, 'pyramidion_refusals_total{limit="limits.memory"}') == 3
        assert server.stop() == 0


# Clients that stay away


VOLUME = np.zeros((1024, 1024, 64), np.uint8)


@pytest.mark.parametrize("early", [False, True], ids=["whole", "respond-early"])
@pytest.mark.parametrize("unix", [False, True], ids=["tcp", "unix"])
def test_an_answer_has_a_limit_on_its_time(unix, early):
    """It is counted from the end of the body, whenever the answer began, and ends a client that every other limit lets go on."""
    fields = [("Prefer", "respond-early")] if early else []
    content = request(VOLUME, factor=(1, 1, 2), mips=2, format="raw", fields=fields)
    with Server(config="timeouts: {answer: 3s}\n") as server:
        with server.connect(unix=unix) as wire:
            # Left to itself the kernel comes to hold what one does not read, all of the second mip even.
            wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 18)
            sender = threading.Thread(target=lambda: wire.send(content))
            sender.start()
            reply = wire.read_head()
            assert reply.status == 200
            # The first mip can be had while the body is sent, the second one cannot; of that nothing is taken. On a slow
            # machine the time may be over before the first one is read.
            try:
                wire.read_exactly(VOLUME.size // 2)
            except (EOFError, ConnectionResetError):
                pass
            sender.join()
            await_condition(
                lambda: metric(server, 'pyramidion_refusals_total{limit="timeouts.answer"}') == 1, "the answer is not ended")
            assert len(wire.read_to_end()) < VOLUME.size * 3 // 4
        assert re.search(r"request .*reason=.*timeouts\.answer", server.log)
        assert metric(server, "pyramidion_memory_admitted_bytes") == 0
        assert server.stop() == 0


def test_a_client_that_takes_nothing_is_ended_by_the_stall_limit():
    with Server(config="timeouts: {write_stall: 300ms}\n") as server:
        with server.connect() as wire:
            wire.send(request(VOLUME, format="raw"))
            assert wire.read_head().status == 200
            await_condition(
                lambda: metric(server, 'pyramidion_refusals_total{limit="timeouts.write_stall"}') == 1, "it is not ended")
        assert server.stop() == 0


@pytest.mark.parametrize("unix", [False, True], ids=["tcp", "unix"])
def test_a_client_that_leaves_in_mid_answer_gives_its_memory_back(unix, server):
    before = metric(server, 'pyramidion_requests_total{route="/v1/pyramid",method="POST",status="499"}')
    with server.connect(unix=unix) as wire:
        wire.send(request(VOLUME, format="raw"))
        assert wire.read_head().status == 200
    await_condition(lambda: metric(server, "pyramidion_memory_admitted_bytes") == 0, "its price stays set aside")
    await_condition(
        lambda: metric(server, 'pyramidion_requests_total{route="/v1/pyramid",method="POST",status="499"}') == before + 1,
        "it is not counted as one that left")
