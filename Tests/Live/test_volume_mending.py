# SPDX-License-Identifier: Apache-2.0
"""Kept chunks that were damaged are made again, and what is said to be kept is what is there."""
import json
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.arrays import same
from support.process import MIB, await_condition
from support.volumes import kept, labels, picture, read, serving, steps, targets, write
from support.wire import head


def made(server, *levels):
    """All chunks of the levels, by their keys."""
    found = {}
    for level in levels:
        for target in targets(server, "v", level):
            reply = server.get(target)
            assert reply.status == 200, (target, reply.status, reply.body[:300])
            found[target.removeprefix("/precomputed/v/")] = reply.body
    return found


def counts(server):
    mips = json.loads(server.get("/v1/volumes/v").content)["mips"]
    return [mip["kept"] for mip in mips if "kept" in mip]


@pytest.mark.parametrize("damage", ["empty", "short", "long", "gzip"])
def test_a_kept_chunk_of_the_wrong_length_is_made_again(damage, dice, tmp_path):
    """It is not sent, is told in the log once, and is whole on the disk afterwards."""
    write(tmp_path / "v", picture(dice, (64, 64, 32), "uint8"))
    volumes = {"v": {"source": tmp_path / "v", "mips": 2}}
    with serving(tmp_path, volumes) as server:
        before = made(server, 1, 2)
        assert server.stop() == 0
    key = "16_16_40/0-32_0-32_0-16"
    file = tmp_path / "data/levels/v" / key
    right = before[key]
    file.write_bytes({"empty": b"", "short": right[:-1], "long": right + b"x", "gzip": b""}[damage])
    if damage == "gzip":
        file.unlink()
        file.with_name(file.name + ".gz").write_bytes(b"\x1f\x8b" + bytes(20))
    with serving(tmp_path, volumes) as server:
        assert server.get(f"/precomputed/v/{key}").body == right
        assert made(server, 1, 2) == before
        # The log is written behind the answers.
        assert server.stop() == 0
        assert server.log.count("a kept chunk cannot be read") == 1, server.log
    assert kept(tmp_path, "v")[key] == right


def test_a_coarse_chunk_over_a_damaged_one_is_made(dice, tmp_path):
    """The finer one is made again; the source is not blamed."""
    write(tmp_path / "v", picture(dice, (64, 64, 32), "uint8"))
    volumes = {"v": {"source": tmp_path / "v", "mips": 2}}
    with serving(tmp_path, volumes) as server:
        before = made(server, 1, 2)
        assert server.stop() == 0
    for key in before:
        file = tmp_path / "data/levels/v" / key
        file.unlink() if key.startswith("32_") else file.write_bytes(b"")
    with serving(tmp_path, volumes) as server:
        assert made(server, 2).items() <= before.items()
        assert made(server, 1).items() <= before.items()


@pytest.mark.parametrize("encoding", ["compressed_segmentation", "png"])
def test_a_kept_chunk_that_cannot_be_decoded_is_made_again(encoding, dice, tmp_path):
    """Nobody sees that it is broken before a coarser one is made of it; then it is mended, also where it is in memory."""
    array = labels(dice, (64, 64, 32), "uint32") if encoding != "png" else picture(dice, (64, 64, 32), "uint8")
    write(tmp_path / "v", array, encoding=encoding)
    volumes = {"v": {"source": tmp_path / "v", "mips": 2}}
    with serving(tmp_path, volumes) as server:
        before = made(server, 1, 2)
        assert server.stop() == 0
    for key in before:
        file = tmp_path / "data/levels/v" / key
        file.unlink() if key.startswith("32_") else file.write_bytes(b"\xff" * 40)
    with serving(tmp_path, volumes) as server:
        broken = "/precomputed/v/16_16_40/0-32_0-32_0-16"
        for fields in ([], [("Accept-Encoding", "gzip")]):
            assert server.get(broken, fields).content == b"\xff" * 40
        assert made(server, 2).items() <= before.items()
        for fields in ([], [("Accept-Encoding", "gzip")]):
            assert server.get(broken, fields).content == before[broken.removeprefix("/precomputed/v/")]
        assert made(server, 1).items() <= before.items()
        way = "mode" if encoding != "png" else "average"
        for level, want in enumerate(steps(array, (0, 0, 0), (2, 2, 1), 2, way)):
            assert same(read(f"{server.url}/precomputed/v", level), want)


@pytest.mark.parametrize("view", ["/v1/volumes/v/cutout?mip=1", "/v1/volumes/v/preview.png?mip=1&at=3", "/zarr/v/1/0/0/0"])
@pytest.mark.parametrize("encoding", ["compressed_segmentation", "png"])
def test_a_view_of_a_kept_chunk_that_cannot_be_decoded_is_right(encoding, view, dice, tmp_path):
    """A cutout, a picture and a chunk of OME-Zarr have it made again; no source is blamed."""
    array = labels(dice, (64, 64, 32), "uint32") if encoding != "png" else picture(dice, (64, 64, 32), "uint8")
    write(tmp_path / "v", array, encoding=encoding)
    volumes = {"v": {"source": tmp_path / "v", "mips": 1}}
    with serving(tmp_path, volumes) as server:
        before = made(server, 1)
        seen = server.get(view)
        assert seen.status == 200
        assert server.stop() == 0
    for key in before:
        (tmp_path / "data/levels/v" / key).write_bytes(b"\xff" * 40)
    with serving(tmp_path, volumes) as server:
        for _ in range(2):
            reply = server.get(view)
            assert (reply.status, reply.content) == (200, seen.content), reply.body[:300]
        mended = server.log.count("a kept chunk cannot be read")
        assert 1 <= mended <= len(before)
        assert server.stop() == 0
    assert sum(kept(tmp_path, "v")[key] == body for key, body in before.items()) == mended


def test_kept_counts_what_is_there(dice, tmp_path):
    """A chunk that is made again counts once, and one that `cache.disk` pushes out not at all."""
    write(tmp_path / "v", picture(dice, (512, 512, 32), "uint8"), chunk=(64, 64, 16))
    volumes = {"v": {"source": tmp_path / "v", "mips": 1}}
    settings = "cache: {disk: 1MiB, memory: 0}\n"
    with serving(tmp_path, volumes, settings=settings) as server:
        asked = targets(server, "v", 1)
        for target in asked * 2:
            assert server.get(target).status == 200

        def settled():
            # Names alone: files may go while they are read. The folder comes with the first ones.
            level = tmp_path / "data/levels/v/16_16_40"
            return level.exists() and counts(server) == [len(os.listdir(level))]

        await_condition(settled, "what is said to be kept is not what is")
        assert len(asked) == 32 and 0 < counts(server)[0] <= 17
    with serving(tmp_path, volumes, settings="cache: {memory: 0}\n") as server:
        before = counts(server)[0]
        assert before == len(kept(tmp_path, "v"))
        key = sorted(kept(tmp_path, "v"))[0]
        (tmp_path / "data/levels/v" / key).write_bytes(b"")
        assert server.get(f"/precomputed/v/{key}").status == 200
        await_condition(lambda: kept(tmp_path, "v")[key], "it was not made again")
        assert counts(server)[0] == before


def test_chunks_that_wait_to_be_packed_are_bounded(tmp_path):
    """However many ask for large chunks packed, a quarter of limits.memory holds what is on its way to them."""
    side, count = 256, 40
    scale = {"key": "1_1_1", "size": [count * side, side, side], "resolution": [1, 1, 1], "voxel_offset": [0, 0, 0],
             "chunk_sizes": [[side] * 3], "encoding": "raw"}
    (tmp_path / "v/1_1_1").mkdir(parents=True)
    (tmp_path / "v/info").write_text(json.dumps({"@type": "neuroglancer_multiscale_volume", "type": "image",
                                                 "data_type": "uint8", "num_channels": 1, "scales": [scale]}))
    settings = "limits: {memory: 128MiB}\ncache: {memory: 0}\n"
    with serving(tmp_path, {"v": {"source": tmp_path / "v", "mips": 0}}, settings=settings) as server:
        asked = targets(server, "v", 0)
        packed = [("Accept-Encoding", "gzip")]
        assert server.get(asked[0], packed).status == 200
        server.forget_peak()
        begun = server.memory()
        with ThreadPoolExecutor(count) as clients:
            replies = list(clients.map(lambda target: server.get(target, packed), asked))
        assert [reply.status for reply in replies] == [200] * count
        assert all(len(reply.content) == side ** 3 for reply in replies[:2])
        # Each is 16 MiB before it is packed.
        assert server.memory("VmHWM") - begun < 160 * MIB


def test_chunks_that_nobody_reads_are_bounded(dice, tmp_path):
    """Answers that clients do not take hold a quarter of limits.memory; beyond it 503, until somebody reads."""
    write(tmp_path / "v", picture(dice, (128, 128, 512), "uint8"), chunk=(128, 128, 64))
    volumes = {"v": {"source": tmp_path / "v", "mips": 0}}
    with serving(tmp_path, volumes, settings="limits: {memory: 16MiB}\n") as server:
        chunks = targets(server, "v", 0)
        assert len(chunks) == 8
        wires = [server.connect(unix=True) for _ in chunks]
        try:
            replies = []
            for wire, target in zip(wires, chunks):
                wire.send(head("GET", target))
                # The head alone: of a Unix socket the system holds less than a chunk, but one large read takes all of it.
                while b"\r\n\r\n" not in wire.pending:
                    wire.pending += wire.socket.recv(1)
                replies.append(wire.read_head())
            assert [reply.status for reply in replies] == [200] * 4 + [503] * 4
            refusal = replies[-1]
            assert refusal["Retry-After"]
            detail = wires[-1].read_exactly(int(refusal["Content-Length"]))
            assert b"`limits.memory`" in detail, detail
            # What costs nothing is answered all the same.
            assert server.get("/precomputed/v/info").status == 200
            assert server.get(chunks[7], method="HEAD").status == 200
            wires[0].read_exactly(int(replies[0]["Content-Length"]))
            await_condition(lambda: server.get(chunks[7]).status == 200, "the room was not given back")
        finally:
            for wire in wires:
                wire.close()
        await_condition(lambda: all(server.get(target).status == 200 for target in chunks), "clients left, and hold room")
