# SPDX-License-Identifier: Apache-2.0
"""File < environment < flags; what cannot be stops the start, with its place and what is allowed."""
import re
import signal
import socket
import subprocess
import time

import numpy as np
import pytest

from support.arrays import request, target
from support.process import PROGRAM, ROOT, Server, clean_environment, free_port, run
from support.wire import Wire, head


def refused(tmp_path, text, *words, env=None, flags=()):
    """`serve` ends with 1 before it listens, and one line says the words."""
    (tmp_path / "config.yaml").write_text(text)
    done = run("serve", "--config", tmp_path / "config.yaml", "--listen", f"127.0.0.1:{free_port()}", *flags, env=env or {}, timeout=20)
    assert done.returncode == 1, (done.returncode, done.stderr)
    error = done.stderr.decode().strip()
    assert len(error.splitlines()) == 1, error
    for word in words:
        assert word in error, (word, error)


@pytest.mark.parametrize("text,words", [
    ("listen: [\"127.0.0.1:1\"]\nlimts:\n  mips: 3\n", ["config.yaml:2", "limts", "limits"]),
    ("limits:\n  mip: 3\n", ["config.yaml:2", "mip", "mips"]),
    ("limits:\n\n  mips: 33\n", ["config.yaml:3", "mips", "32"]),
    ("limits:\n  mips: -1\n", ["config.yaml:2", "mips"]),
    ("limits:\n  memory: 1 GB\n", ["config.yaml:2", "memory", "GiB"]),
    ("limits:\n  memory: [1GiB]\n", ["config.yaml:2", "memory"]),
    ("timeouts:\n  head: 5\n", ["config.yaml:2", "head"]),
    ("timeouts:\n  head: 5 parsecs\n", ["config.yaml:2", "head"]),
    ("workers: many\n", ["config.yaml:1", "workers"]),
    ("workers: 99999999999999999999\n", ["config.yaml:1", "workers"]),
    ("log:\n  level: loud\n", ["config.yaml:2", "level", "info"]),
    ("cors:\n  origins: [nonsense]\n", ["config.yaml:2", "origins"]),
    ("limits: 3\n", ["config.yaml:1", "limits"]),
    ("- a\n- b\n", ["config.yaml:1"]),
    ("limits:\n  mips: 3\n  mips: 4\n", ["config.yaml:3", "mips"]),
    ("limits: {mips: 3\n", ["config.yaml:"]),
    ("limits:\n\tmips: 3\n", ["config.yaml:2"]),
    ("a: &a [*a]\n", ["config.yaml:1"]),
])
def test_a_wrong_file_stops_the_start(text, words, tmp_path):
    refused(tmp_path, text, *words)


def test_a_wrong_environment_stops_the_start(tmp_path):
    refused(tmp_path, "", "PYRAMIDION_LIMITS_MIPS", "32", env={"PYRAMIDION_LIMITS_MIPS": "33"})
    refused(tmp_path, "", "PYRAMIDION_LIMTS_MIPS", env={"PYRAMIDION_LIMTS_MIPS": "3"})


def test_a_missing_file_stops_the_start(tmp_path):
    done = run("serve", "--config", tmp_path / "nothing.yaml", timeout=20)
    assert done.returncode == 1 and b"nothing.yaml" in done.stderr


def test_a_port_that_is_taken_stops_the_start(server):
    done = run("serve", "--listen", f"127.0.0.1:{server.port}", timeout=20)
    assert done.returncode == 1
    assert str(server.port).encode() in done.stderr and b"--listen: `listen`" in done.stderr


def started(tmp_path, text, **options):
    """The one line with which `serve` of this configuration ends; it says what is allowed."""
    (tmp_path / "config.yaml").write_text(text)
    done = run("serve", "--config", tmp_path / "config.yaml", timeout=20, cwd=tmp_path, **options)
    line = done.stderr.decode().strip()
    assert done.returncode == 1 and len(line.splitlines()) == 1 and "allowed: " in line, (done.returncode, line)
    return line


def test_what_cannot_be_listened_on_is_named_with_its_place(tmp_path, server):
    port = free_port()
    assert "config.yaml:2: `listen` cannot be that" in started(tmp_path, f"\nlisten: [\"127.0.0.1:{port}\", \"127.0.0.1:{port}\"]\n")
    assert "config.yaml:2: `listen`: bind(" in started(tmp_path, f"\nlisten: [\"127.0.0.1:{server.port}\"]\n")
    assert "config.yaml:1: `listen`: bind(" in started(tmp_path, "listen: [\"192.0.2.1:80\"]\n")
    assert "config.yaml:1: `listen`: bind(" in started(tmp_path, f"listen: [\"unix:{tmp_path}/no/socket\"]\n")
    assert "PYRAMIDION_LISTEN: `listen`: bind(" in started(tmp_path, "", env={"PYRAMIDION_LISTEN": f"127.0.0.1:{server.port}"})


def test_tokens_that_cannot_be_read_are_named_with_their_place(tmp_path):
    here = f"listen: [\"127.0.0.1:{free_port()}\"]\n"
    line = started(tmp_path, here + "tokens: nix\n")
    assert "config.yaml:2: `tokens`: nix: No such file" in line and "TOKEN read" in line
    assert "config.yaml:2: `tokens`: .: " in started(tmp_path, here + "tokens: .\n")
    (tmp_path / "tokens").write_text("# ours\na-token-of-somebody owner\n")
    assert "config.yaml:2: `tokens`: tokens:2: " in started(tmp_path, here + "tokens: tokens\n")
    assert "PYRAMIDION_TOKENS: `tokens`: " in started(tmp_path, here, env={"PYRAMIDION_TOKENS": "nix"})


def test_a_data_folder_that_is_a_file_stops_the_start(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "link").symlink_to("file")
    here = f"listen: [\"127.0.0.1:{free_port()}\"]\n"
    for name in ("file", "link"):
        assert f"config.yaml:2: `data`: {name} is no folder" in started(tmp_path, here + f"data: {name}\n")


def test_spaces_behind_the_commas_of_the_environment_are_read_over(tmp_path):
    places = [f"127.0.0.1:{free_port()}", f"unix:{tmp_path}/socket"]
    process = subprocess.Popen(
        [PROGRAM, "serve"], env=clean_environment(PYRAMIDION_LISTEN=", ".join(places)), stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=tmp_path)
    try:
        assert eventually(tmp_path / "socket", process).status == 200
    finally:
        process.kill()
        process.wait()


def test_a_token_that_can_be_guessed_is_a_warning(tmp_path):
    (tmp_path / "tokens").write_text("# ours\na-token-of-sixteen write\nguess read\n~ write\n")
    with Server(config=f"tokens: {tmp_path}/tokens\n") as server:
        for token, status in (("guess", 200), ("~", 200), ("gues", 401), ("", 401)):
            assert server.get("/v1/volumes", [("Authorization", f"Bearer {token}")]).status == status
        lines = [line for line in server.log.splitlines() if "can be guessed" in line]
        assert len(lines) == 1 and "fewer than 16" in lines[0] and f"{tmp_path}/tokens:3" in lines[0], server.log


def test_the_shipped_file_is_the_defaults():
    with Server("--config", ROOT / "config/pyramidion.yaml") as server:
        assert server.get("/version").status == 200
        assert server.stop() == 0


def mips_allowed(server):
    """The largest number of mips that is not refused."""
    allowed = 0
    for mips in range(1, 33):
        with server.connect() as wire:
            wire.send(request(np.zeros((2, 2), np.uint8), mips=mips))
            reply = wire.read()
            if reply.status != 200:
                assert reply.status in (400, 413) and str(allowed) in reply.problem["detail"], reply.body
                break
            allowed = mips
    return allowed


def test_the_environment_wins_over_the_file():
    with Server(config="limits:\n  mips: 3\n") as server:
        assert mips_allowed(server) == 3
    with Server(config="limits:\n  mips: 3\n", env={"PYRAMIDION_LIMITS_MIPS": "5"}) as server:
        assert mips_allowed(server) == 5


def test_flags_win_over_the_environment(tmp_path):
    elsewhere = free_port()
    with Server(env={"PYRAMIDION_LISTEN": f"127.0.0.1:{elsewhere}"}) as server:
        assert server.get("/healthz").status == 200
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", elsewhere))


def test_the_environment_gives_several_listeners(tmp_path):
    ports = [free_port(), free_port()]
    places = [f"127.0.0.1:{ports[0]}", f"127.0.0.1:{ports[1]}", f"unix:{tmp_path}/socket"]
    process = subprocess.Popen(
        [PROGRAM, "serve"], env=clean_environment(PYRAMIDION_LISTEN=",".join(places)), stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=tmp_path)
    try:
        for address in [("127.0.0.1", ports[0]), ("127.0.0.1", ports[1]), tmp_path / "socket"]:
            assert eventually(address).status == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        assert not (tmp_path / "socket").exists(), "the socket's file is left behind"
    finally:
        process.kill()
        process.wait()


def eventually(address, process=None):
    for _ in range(400):
        assert process is None or process.poll() is None, f"ended with {process.returncode}"
        try:
            with Wire(address, timeout=10) as wire:
                wire.send(head("GET", "/readyz"))
                return wire.read("GET")
        except OSError:
            time.sleep(0.02)
    raise AssertionError(f"nothing listens at {address}")


def test_a_socket_file_left_by_a_crash_is_taken_over(tmp_path):
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(tmp_path / "socket"))
    stale.close()
    with Server("--listen", f"unix:{tmp_path}/socket"):
        assert eventually(tmp_path / "socket").status == 200


LIMITED = """
limits:
  target_bytes: 1KiB
  head_bytes: 4KiB
  header_count: 20
  body_bytes: 1MiB
  voxels: 100000
  memory: 8MiB
timeouts:
  head: 300ms
  body_gap: 300ms
"""


@pytest.fixture(scope="module")
def limited():
    with Server(config=LIMITED) as server:
        yield server
        assert server.stop() == 0, server.log[-3000:]


@pytest.mark.parametrize("status,content,words", [
    (414, head("GET", "/" + "a" * 1024), ["1024", "1KiB", "target"]),
    (431, head("GET", "/healthz", [("X", "a" * 5000)]), ["4096", "4KiB", "head"]),
    (431, head("GET", "/healthz", [("X", "a")] * 30), ["20"]),
    (413, head("POST", target(shape=2**20 + 1, dtype="uint8"), [("Content-Length", 2**20 + 1)]), ["1048576", "1MiB", "100000"]),
    (413, head("POST", target(shape=100_001, dtype="uint8"), [("Content-Length", 100_001)]), ["100000"]),
])
def test_a_limit_is_named(status, content, words, limited):
    with limited.connect() as wire:
        wire.send(content)
        reply = wire.read()
        assert reply.status == status, (reply.status, reply.body)
        detail = reply.problem["detail"]
        assert any(word in detail.replace(",", "").replace(" ", "") for word in words), detail


def test_a_target_as_long_as_its_limit_is_served(limited):
    with limited.connect() as wire:
        wire.send(head("GET", "/healthz?" + "a" * (1024 - len("/healthz?"))))
        assert wire.read("GET").status == 200


@pytest.mark.parametrize("begun", [
    b"GET /healthz HT", b"GET /healthz HTTP/1.1\r\nHost: x\r\n",
    head("POST", target(shape="5", dtype="uint8"), [("Content-Length", 5)]) + b"he",
    head("POST", target(shape="5", dtype="uint8"), [("Transfer-Encoding", "chunked")]) + b"5\r\nhe",
], ids=["request-line", "fields", "body", "chunk"])
def test_what_comes_too_slowly_is_408_and_closed(begun, limited):
    with limited.connect() as wire:
        wire.send(begun)
        reply = wire.read()
        assert reply.status == 408 and reply.closes
        assert reply.problem
        wire.expect_closed()


def test_a_connection_that_asks_nothing_is_closed():
    with Server(config="timeouts:\n  idle: 200ms\n  head: 200ms\n") as server:
        with server.connect() as wire:
            assert wire.read_to_end()[:12] in (b"", b"HTTP/1.1 408")
        with server.connect() as wire:
            wire.send(head("GET", "/healthz"))
            assert wire.read("GET").status == 200
            wire.expect_closed()


def test_cors_origins_are_configured():
    with Server(config="cors:\n  origins: [\"https://one.example\", \"https://two.example\"]\n") as server:
        for origin, allowed in (("https://one.example", True), ("https://two.example", True), ("https://three.example", False)):
            reply = server.get("/healthz", [("Origin", origin)])
            assert reply.get("Access-Control-Allow-Origin") == (origin if allowed else None)
            assert "origin" in {name.strip().lower() for value in reply.all("Vary") for name in value.split(",")}


def test_one_line_a_request_in_the_log():
    with Server("--log-level", "info") as server:
        server.get("/nothing-of-the-kind")
        with server.connect() as wire:
            wire.send(request(np.zeros((8, 8, 8), np.uint8)))
            assert wire.read().status == 200
        assert server.stop() == 0
        log = server.log
    lines = [line for line in log.splitlines() if re.search(r"/v1/pyramid|/nothing-of-the-kind", line)]
    assert len(lines) == 2, log


def test_the_second_signal_of_a_stop_is_not_needed():
    """SIGTERM: the listeners close, the request under way is answered, the process ends with 0."""
    a = np.zeros((64, 64, 64), np.uint8)
    content = request(a)
    with Server() as server:
        with server.connect() as wire:
            wire.send(content[:-100])
            assert server.get("/readyz").status == 200
            server.process.send_signal(signal.SIGTERM)
            while True:
                try:
                    server.connect().close()
                except (ConnectionRefusedError, ConnectionResetError, FileNotFoundError):
                    break
            wire.send(content[-100:])
            assert wire.read().status == 200
        assert server.process.wait(30) == 0


@pytest.mark.parametrize("settings,words", [
    ("method: min, sparse: true, mips: 0", ["`sparse`", "min", "false"]),
    ("method: max, sparse: true", ["`sparse`", "max", "false"]),
    ("method: stride, sparse: true", ["`sparse`", "stride", "false"]),
    ("sparse: true, method: average, precision: compat, mips: 0", ["`sparse`", "compat", "precision exact"]),
])
def test_what_no_source_can_make_right_stops_the_start(settings, words, tmp_path):
    """It needs no level that is made, and no source that answers."""
    text = "volumes:\n  v: { source: \"http://127.0.0.1:1/v\", %s }\n" % settings
    refused(tmp_path, text, "config.yaml:2", *words)


def test_a_data_folder_that_cannot_be_made_is_a_warning(tmp_path):
    """The service starts all the same, and the log says what would be right; a folder that could be made is not made."""
    (tmp_path / "file").write_bytes(b"")
    for data in ("/proc/x", tmp_path / "file/x"):
        with Server("--data", str(data)) as server:
            assert "nothing can be kept" in server.log and "--data" in server.log, server.log
    with Server("--data", str(tmp_path / "new/data")) as server:
        assert "nothing can be kept" not in server.log, server.log
        assert not (tmp_path / "new").exists()
