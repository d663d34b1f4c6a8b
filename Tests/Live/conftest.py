# SPDX-License-Identifier: Apache-2.0
"""One server for most tests; whatever a test does to it, the next request must work."""
import itertools
import os
import random
import secrets

import pytest

from support.process import PROGRAM, Server
from support.wire import Wire

SEED = os.environ.get("SEED") or secrets.token_hex(4)


FIGURES = []
STARTED = []


def pytest_report_header():
    return [f"program: {PROGRAM}", f"random choices: SEED={SEED}"]


def pytest_terminal_summary(terminalreporter):
    if FIGURES:
        terminalreporter.section("figures")
        for line in FIGURES:
            terminalreporter.line(line)


@pytest.fixture
def figure():
    """Takes a line that the end of the run shows: what was measured, not only that it passed."""
    return FIGURES.append


@pytest.fixture
def dice(request):
    """Random choices of this test alone; SEED, printed at the top, gives them again."""
    return random.Random(f"{SEED} {request.node.nodeid}")


@pytest.fixture(scope="session")
def running():
    """The server of the session; at its end it must leave in order, without a word of a crash."""
    assert PROGRAM.exists(), f"no program at {PROGRAM}: `make build` first, or set PYRAMIDION"
    with Server() as server:
        STARTED.append(server)
        yield server
        STARTED.clear()
        assert server.alive, f"the server ended with {server.process.returncode}:\n{server.log[-4000:]}"
        log = server.log
        assert server.stop() == 0, log[-4000:]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_logreport(report):
    """A server that is gone fails the test that killed it; the thousands behind it would say nothing more."""
    yield
    if report.failed and STARTED and not STARTED[-1].alive:
        pytest.exit(f"{report.nodeid} ended the server:\n{STARTED[-1].log[-2000:]}", returncode=1)


@pytest.fixture
def server(running):
    """The running server; after the test it still answers."""
    yield running
    assert running.alive, f"the server ended with {running.process.returncode}:\n{running.log[-4000:]}"
    assert running.get("/healthz").status == 200


@pytest.fixture(scope="module")
def storing(tmp_path_factory):
    """A server for uploads; `data` is its folder."""
    data = tmp_path_factory.mktemp("uploads")
    with Server("--data", str(data)) as server:
        server.data = data
        yield server
        assert server.alive, f"the server ended with {server.process.returncode}:\n{server.log[-4000:]}"


NUMBERS = itertools.count()


@pytest.fixture
def name():
    """A name for a volume that no other test has."""
    return f"volume-{next(NUMBERS)}"


@pytest.fixture(scope="module")
def kept(running):
    """Sends whole requests on one connection that is kept alive, over TCP and the Unix socket in turn."""
    wires = {}

    def ask(content, unix=False):
        if unix not in wires:
            wires[unix] = Wire(running.unix if unix else running.address)
        wire = wires[unix]
        try:
            wire.send(content)
            reply = wire.read()
        except (OSError, EOFError, AssertionError):
            wires.pop(unix).close()
            raise
        if reply.closes:
            wire.expect_closed()
            wires.pop(unix).close()
        return reply

    yield ask
    for wire in wires.values():
        wire.close()
