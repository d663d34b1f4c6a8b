# SPDX-License-Identifier: Apache-2.0
"""Disks that are too small, or fill up in the middle: an upload is 507, nothing of it remains, and the next one works."""
import gzip
import json
import os
import re
import select
import subprocess

import numpy as np
import pytest

from support.arrays import chunked, same
from support.process import MIB, Server, await_condition
from support.volumes import configuration, cutout, kept, picture, remains, step, targets, upload, upload_bytes, write
from support.wire import head

RNG = np.random.default_rng(7)
# Noise, which no encoding makes smaller.
LARGE = RNG.integers(0, 256, (256, 256, 192), np.uint8, endpoint=False)
SMALL = LARGE[:64, :64, :64]


@pytest.fixture
def disk(tmp_path):
    """A disk of 8 MiB of its own, mounted for one test."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(folder)], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no disk can be mounted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def small(disk):
    """A server whose data folder is on that disk; at its end it leaves in order."""
    with Server("--data", str(disk)) as server:
        server.data = disk
        yield server
        assert server.stop() == 0, server.log[-4000:]


def send_until_answered(wire, content):
    """Sends like a client that stops when an answer comes."""
    rest = memoryview(content)
    while rest:
        readable, writable, _ = select.select([wire.socket], [wire.socket], [], 60)
        assert readable or writable, "the server neither reads nor answers"
        if readable:
            return
        rest = rest[wire.socket.send(rest[:65536]):]


def fill(disk):
    """A file that takes the rest of the disk."""
    path = disk / "filler"
    with open(path, "wb", buffering=0) as file:
        with pytest.raises(OSError):
            while True:
                file.write(bytes(65536))
    return path


def used(disk):
    """Bytes in use."""
    state = os.statvfs(disk)
    return (state.f_blocks - state.f_bfree) * state.f_frsize


def expect_refused(reply, words):
    assert reply.status == 507, (reply.status, reply.body[:500])
    detail = reply.problem["detail"]
    assert re.search(words, detail), detail
    assert ".tmp" not in detail, "where the service works is nobody's business"


def expect_as_before(server, taken):
    """Nothing is left of `name`, and a smaller upload works at once."""
    assert server.get("/v1/volumes/large").status == 404
    assert remains(server.data) == set() and used(server.data) <= taken
    assert upload(server, "small", SMALL).status == 201
    assert same(cutout(server, "small"), SMALL)


@pytest.mark.parametrize("coding,framing", [("identity", "length"), ("identity", "chunked"), ("gzip", "length"), ("gzip", "chunked")])
def test_what_cannot_fit_is_refused_before_the_body(coding, framing, small):
    """The query says how many bytes there will be, whatever form they come in: nothing is asked for."""
    taken = used(small.data)
    fields = [("Expect", "100-continue")]
    fields += [("Content-Encoding", "gzip")] if coding == "gzip" else []
    fields += [("Transfer-Encoding", "chunked")] if framing == "chunked" else [
        ("Content-Length", LARGE.size if coding == "identity" else 4711)]
    with small.connect() as wire:
        wire.send(head("PUT", "/v1/volumes/large?shape=256,256,192&dtype=uint8", fields))
        reply = wire.read("PUT")
    assert not reply.interim, "the body was asked for"
    expect_refused(reply, r"at least \d+ bytes of the disk, and there is room for \d+")
    expect_as_before(small, taken)


def test_an_npy_that_cannot_fit_is_refused_behind_its_header(small):
    """Only the header says what a .npy is: the rest need not come."""
    taken = used(small.data)
    content = upload_bytes("large", LARGE, body="npy")
    with small.connect() as wire:
        wire.send(content[:4096])
        expect_refused(wire.read("PUT"), "there is room for")
    expect_as_before(small, taken)


@pytest.mark.parametrize("coding,framing", [("identity", "length"), ("identity", "chunked"), ("gzip", "length"), ("gzip", "chunked")])
def test_a_disk_that_fills_up_in_the_middle(coding, framing, small):
    """Somebody else takes the room that there was at the start: the upload fails, and leaves nothing."""
    taken = used(small.data)
    array = LARGE[:, :, :64]
    body = array.tobytes(order="F")
    fields = [("Content-Encoding", "gzip")] if coding == "gzip" else []
    body = gzip.compress(body, 1) if coding == "gzip" else body
    if framing == "chunked":
        body = chunked(body, [65536] * (len(body) // 65536 + 2))
        fields.append(("Transfer-Encoding", "chunked"))
    else:
        fields.append(("Content-Length", len(body)))
    with small.connect() as wire:
        wire.send(head("PUT", "/v1/volumes/large?shape=256,256,64&dtype=uint8&chunk_size=64,64,16", fields))
        half = len(body) // 2
        wire.send(body[:half])
        await_condition(lambda: used(small.data) > taken + MIB // 2, "nothing is written")
        filler = fill(small.data)
        send_until_answered(wire, body[half:])
        expect_refused(wire.read("PUT"), "could not be written.*ENOSPC.*make room")
    filler.unlink()
    await_condition(lambda: "an upload could not be kept" in small.log, "the log does not say so")
    expect_as_before(small, taken)


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_packed_chunks_that_do_not_fit(coding, small):
    """How large PNG becomes is known when it is made: the disk is full in the middle by itself."""
    taken = used(small.data)
    reply = upload_patiently(small, "large", LARGE, encoding="png", coding=coding)
    expect_refused(reply, "could not be written.*ENOSPC")
    expect_as_before(small, taken)


def test_channels_that_wait_on_the_disk_count(small):
    """In Fortran order all channels but the last are on the disk twice for a while: 6 MiB, a mip of 1.5, and 4 that wait."""
    array = np.repeat(LARGE[:128, :128, :128, None], 3, 3)
    taken = used(small.data)
    reply = upload_patiently(small, "large", array)
    expect_refused(reply, f"at least {int(11.5 * MIB)} bytes of the disk")
    # In C order nothing has to wait.
    assert upload(small, "c", array, order="C", mips=0).status == 201
    assert small.get("/v1/volumes/c", method="DELETE").status == 204
    await_condition(lambda: used(small.data) <= taken, "a deleted volume takes room")
    expect_as_before(small, taken)


def upload_patiently(server, name, array, **options):
    with server.connect() as wire:
        send_until_answered(wire, upload_bytes(name, array, **options))
        return wire.read("PUT")


def test_what_one_upload_announced_is_not_there_for_another(small):
    """Two that fit one by one: the second hears it at its start, and works once the first is gone."""
    array = LARGE[:160, :160, :]
    content = upload_bytes("large", array)
    with small.connect() as first:
        first.send(content[:-5])

        def is_known():
            reply = small.get("/v1/volumes/large")
            return reply.status == 200 and json.loads(reply.content).get("expected_bytes") == array.size

        await_condition(is_known, "the upload never began")
        expect_refused(upload_patiently(small, "other", array), "there is room for")
    await_condition(lambda: small.get("/v1/volumes/large").status == 404, "a broken upload is there")
    await_condition(lambda: upload_patiently(small, "other", array).status == 201, "its room is not given back")


def test_a_made_chunk_is_answered_when_it_cannot_be_kept(dice, disk, tmp_path):
    """The disk is full while a level is kept: every chunk is right, nothing half is kept, and with room it is kept."""
    array = picture(dice, (200, 150, 40), "uint8")
    write(tmp_path / "v", array)
    (disk / "data").mkdir()
    (tmp_path / "data").symlink_to(disk / "data")
    config = configuration({"v": {"source": tmp_path / "v", "mips": 1, "factor": [2, 2, 1]}}) + "cache: {memory: 0}\n"
    want = step(array, (0, 0, 0), (2, 2, 1))[0]
    with Server("--data", str(tmp_path / "data"), config=config) as server:
        filler = fill(disk)
        assert same(cutout(server, "v", 1), want[..., 0])
        await_condition(lambda: "a chunk was not kept" in server.log, "the log is silent")
        assert "ENOSPC" in server.log
        for path in targets(server, "v", 1):
            assert server.get(path).status == 200
        assert kept(tmp_path, "v") == {}
        filler.unlink()
        assert same(cutout(server, "v", 1), want[..., 0])
        await_condition(lambda: len(kept(tmp_path, "v")) == len(targets(server, "v", 1)), "nothing is kept though there is room")
        assert server.stop() == 0
