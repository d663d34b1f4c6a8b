# SPDX-License-Identifier: Apache-2.0
"""Arrays that become volumes: whatever form they are sent in, and whatever goes wrong."""
import gzip
import json
import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from support.arrays import TYPES, first_difference, npy_bytes, same
from support.process import Server, await_condition
from support.volumes import (change_info, configuration, cutout, info, labels, picture, posted, read, remains, step,
                             upload, upload_bytes, write)
from support.wire import head

STORED = [dtype for dtype in TYPES if dtype not in ("int64", "float64")]


def expect_levels(storing, plain, name, array, method, factor=(2, 2, 1)):
    """Every level equals POST precision=exact mips=1 of the level below; gives how many there are."""
    scales = info(storing, name)["scales"]
    want = array
    for level in range(len(scales)):
        got = read(f"{storing.url}/precomputed/{name}", level)
        got = got if array.ndim == 4 else got[..., 0]
        assert same(got, want), (level, first_difference(got, want))
        want = posted(plain, want, method=method, factor=factor)
    return len(scales)


@pytest.mark.parametrize("dtype", STORED)
def test_an_upload_of_any_type_has_the_levels_of_post(dtype, dice, name, storing, server):
    """Level by level, an image of every type is what POST makes of it."""
    array = picture(dice, (75, 51, 21), dtype)[..., 0]
    reply = upload(storing, name, array, method="average", kind="image", chunk_size="32,32,16")
    assert reply.status == 201, reply.body
    assert expect_levels(storing, server, name, array, "average") == 3


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32"])
def test_an_upload_of_labels_has_the_levels_of_post(dtype, dice, name, storing, server):
    """Level by level, labels of every type are what POST makes of them."""
    array = labels(dice, (75, 51, 21), dtype)[..., 0]
    reply = upload(storing, name, array, kind="segmentation", factor="2,2,2", chunk_size="32,32,16")
    assert reply.status == 201, reply.body
    assert expect_levels(storing, server, name, array, "mode", (2, 2, 2)) == 3


@pytest.mark.parametrize("order", ["F", "C"])
@pytest.mark.parametrize("body,coding,framing", [
    ("raw", "identity", "length"), ("raw", "gzip", "length"), ("raw", "deflate", "chunked"), ("raw", "identity", "chunked"),
    ("npy", "identity", "length"), ("npy", "gzip", "chunked"), ("npy2", "members", "length"),
])
def test_an_upload_in_any_form(order, body, coding, framing, dice, name, storing):
    """Raw or .npy, packed or not, with a length or in pieces, in both orders: the same volume."""
    array = picture(dice, (45, 31, 11, 3), "uint16")
    reply = upload(storing, name, array, order=order, body=body, coding=coding, framing=framing, chunk_size="16,16,4",
                   random=dice)
    assert reply.status == 201, reply.body
    assert same(cutout(storing, name), array)


@pytest.mark.parametrize("dtype", [">u2", ">u4", ">f4", ">u8", ">i4"])
def test_an_upload_in_big_endian(dtype, dice, name, storing):
    """An .npy of the other byte order is turned."""
    native = np.dtype(dtype).newbyteorder("=")
    array = picture(dice, (45, 31, 11), native)[..., 0]
    content = npy_bytes(np.asfortranarray(array).astype(dtype))
    with storing.connect() as wire:
        fields = [("Content-Type", "application/x-npy"), ("Content-Length", len(content))]
        wire.send(head("PUT", f"/v1/volumes/{name}?kind=image", fields), content)
        assert wire.read("PUT").status == 201
    assert same(cutout(storing, name), array)


@pytest.mark.parametrize("shape", [(7,), (7, 5), (1, 1, 1), (1, 40, 1), (65, 64, 63)])
def test_an_upload_of_few_axes(shape, dice, name, storing):
    """Missing axes have one voxel."""
    array = np.random.default_rng(dice.getrandbits(32)).integers(0, 255, shape, np.uint8)
    assert upload(storing, name, array).status == 201
    assert same(cutout(storing, name), array.reshape((*shape, 1, 1)[:3]))


@pytest.mark.parametrize("encoding,dtype", [
    ("raw", "uint8"), ("png", "uint8"), ("png", "uint16"), ("compressed_segmentation", "uint32"),
    ("compressed_segmentation", "uint64"),
])
def test_an_upload_in_any_encoding(encoding, dtype, dice, name, storing):
    """`encoding` is how chunks are written, and changes no voxel; offset and resolution are announced."""
    array = labels(dice, (45, 31, 11), dtype)
    reply = upload(storing, name, array, kind="segmentation", encoding=encoding, voxel_offset="-5,7,1",
                   resolution="4,4.5,40", chunk_size="16,17,5")
    assert reply.status == 201, reply.body
    scales = info(storing, name)["scales"]
    assert all(scale["encoding"] == encoding for scale in scales)
    assert (scales[0]["voxel_offset"], scales[0]["resolution"], scales[0]["chunk_sizes"]) == (
        [-5, 7, 1], [4, 4.5, 40], [[16, 17, 5]])
    assert same(read(f"{storing.url}/precomputed/{name}", 0), array)
    assert same(read(f"{storing.url}/precomputed/{name}", 1), step(array, (-5, 7, 1), (2, 2, 1), "mode")[0])


def test_factors_whose_product_no_number_holds(dice, name, storing):
    """64 to the 11th is beyond 64 bits; the levels get one voxel long and are there."""
    array = picture(dice, (300, 5, 2), "uint8")[..., 0]
    reply = upload(storing, name, array, method="average", precision="compat", factor="64,1,1", mips=11)
    assert reply.status == 201, reply.body
    scales = info(storing, name)["scales"]
    assert [scale["size"][0] for scale in scales] == [300, 5] + [1] * 10
    assert same(read(f"{storing.url}/precomputed/{name}", 10), read(f"{storing.url}/precomputed/{name}", 11))


def test_201_has_the_place_and_the_volume(dice, name, storing):
    """The answer has Location, a tag, and the JSON that GET of that place gives."""
    array = picture(dice, (45, 31, 11), "uint8")[..., 0]
    reply = upload(storing, name, array)
    assert reply.status == 201 and reply["Location"] == f"/v1/volumes/{name}"
    item = json.loads(reply.content)
    assert (item["name"], item["dtype"], item["shape"], item["origin"]) == (name, "uint8", [45, 31, 11], "upload")
    get = storing.get(reply["Location"])
    assert json.loads(get.content) == item and get["ETag"] == reply["ETag"]


def test_a_name_that_is_taken_is_409(dice, name, storing):
    """A second upload of a name changes nothing unless it says that it replaces."""
    array = picture(dice, (45, 31, 11), "uint8")[..., 0]
    assert upload(storing, name, array).status == 201
    reply = upload(storing, name, array + 1)
    assert reply.status == 409 and "If-Match" in reply.problem["detail"]
    assert same(cutout(storing, name), array)


@pytest.mark.parametrize("condition", ["*", "tag"])
def test_if_match_replaces(condition, dice, name, storing):
    """If-Match with * or with the tag of this version replaces it; the tag of an older one no longer does."""
    array = picture(dice, (45, 31, 11), "uint8")[..., 0]
    first = upload(storing, name, array)["ETag"]
    wanted = first if condition == "tag" else "*"
    second = upload(storing, name, array[::-1], fields=[("If-Match", wanted)])
    assert second.status == 201 and second["ETag"] != first
    assert same(cutout(storing, name), array[::-1])
    assert upload(storing, name, array, fields=[("If-Match", first)]).status == 412
    assert same(cutout(storing, name), array[::-1])


def test_if_match_of_nothing_is_412(dice, name, storing):
    """There is nothing to replace."""
    array = picture(dice, (45, 31, 11), "uint8")[..., 0]
    assert upload(storing, name, array, fields=[("If-Match", "*")]).status == 412
    assert storing.get(f"/v1/volumes/{name}").status == 404


def test_readers_see_the_old_volume_or_the_new_one(dice, name, storing):
    """While a volume is replaced again and again, every cutout is of one version."""
    versions = [np.full((90, 90, 20), value, np.uint8) for value in range(1, 9)]
    assert upload(storing, name, versions[0], chunk_size="16,16,4").status == 201
    done = []

    def look():
        seen = set()
        while not done:
            for mip in (0, 2):
                values = np.unique(cutout(storing, name, mip))
                assert len(values) == 1, values
                seen.add(int(values[0]))
        return seen

    with ThreadPoolExecutor(3) as pool:
        readers = [pool.submit(look) for _ in range(3)]
        try:
            for version in versions[1:]:
                fields = [("If-Match", "*")]
                assert upload(storing, name, version, chunk_size="16,16,4", fields=fields).status == 201
        finally:
            done.append(True)
        assert set.union(*(reader.result() for reader in readers)) <= set(range(1, 9))
    assert np.unique(cutout(storing, name)).tolist() == [8]


def broken_bodies(array):
    """Bodies of PUT that break off or are wrong, and whether the client goes away in the middle."""
    whole = upload_bytes("NAME", array, chunk_size="16,16,4")
    end = whole.index(b"\r\n\r\n") + 4
    body = whole[end:]
    packed = gzip.compress(body, 1)
    spoiled = packed[:-6] + bytes(b ^ 255 for b in packed[-6:])

    def sent(content, length=None, coding=None):
        fields = [("Content-Length", len(content) if length is None else length)]
        fields += [("Content-Encoding", coding)] if coding else []
        query = whole[:end].split()[1].decode().partition("?")[2]
        return head("PUT", f"/v1/volumes/NAME?{query}", fields) + content

    return {
        "interrupted": (sent(body[:len(body) // 2], len(body)), True),
        "interrupted at the start": (sent(b"", len(body)), True),
        "interrupted before the last byte": (sent(body[:-1], len(body)), True),
        "interrupted in gzip": (sent(packed[:len(packed) // 2], len(packed), "gzip"), True),
        "short": (sent(body[:-1]), False),
        "long": (sent(body + b"\0"), False),
        "empty": (sent(b""), False),
        "short in gzip": (sent(gzip.compress(body[:-1]), coding="gzip"), False),
        "long in gzip": (sent(gzip.compress(body + b"\0"), coding="gzip"), False),
        "gzip without its end": (sent(packed[:-20], coding="gzip"), False),
        "gzip with a wrong checksum": (sent(spoiled, coding="gzip"), False),
        "no gzip": (sent(body, coding="gzip"), False),
    }


@pytest.mark.parametrize("case", broken_bodies(np.zeros((4, 4, 4), np.uint8)))
def test_nothing_remains_of_a_broken_upload(case, dice, name, storing):
    """Interrupted, short, long or corrupt: an error for whoever is still there, and not a file remains."""
    before = remains(storing.data)
    content, leaves = broken_bodies(picture(dice, (120, 90, 20), "uint8")[..., 0])[case]
    with storing.connect() as wire:
        wire.send(content.replace(b"NAME", name.encode(), 1))
        if not leaves:
            reply = wire.read("PUT")
            assert reply.status == 400 and reply.problem, reply.status
    await_condition(lambda: storing.get(f"/v1/volumes/{name}").status == 404, "a broken upload is there")
    await_condition(lambda: remains(storing.data) <= before, "files of a broken upload are there")


def test_a_broken_replacement_leaves_the_old_volume(dice, name, storing):
    """The volume that was to be replaced is as it was."""
    array = picture(dice, (45, 31, 11), "uint8")[..., 0]
    tag = upload(storing, name, array)["ETag"]
    content = upload_bytes(name, array + 1, fields=[("If-Match", "*")])
    with storing.connect() as wire:
        wire.send(content[:-100])
    await_condition(lambda: same(cutout(storing, name), array), "the old volume is gone")
    assert storing.get(f"/v1/volumes/{name}")["ETag"] == tag


def test_of_two_at_once_one_wins(dice, name, storing):
    """While one upload runs, another of the same name and a DELETE get 409, and the first is unharmed."""
    array = picture(dice, (120, 90, 20), "uint8")[..., 0]
    content = upload_bytes(name, array)
    with storing.connect() as first, storing.connect() as second:
        first.send(content[:-5])
        await_condition(lambda: status(storing, name) == "uploading", "the upload never began")
        second.send(upload_bytes(name, array + 1))
        assert second.read("PUT").status == 409
        reply = storing.get(f"/v1/volumes/{name}", method="DELETE")
        assert reply.status == 409 and "being written" in reply.problem["detail"]
        first.send(content[-5:])
        assert first.read("PUT").status == 201
    assert same(cutout(storing, name), array)


def status(server, name):
    reply = server.get(f"/v1/volumes/{name}")
    return json.loads(reply.content)["status"] if reply.status == 200 else None


def test_the_progress_of_an_upload_is_shown(dice, name, storing):
    """A running upload says how many bytes it has and expects."""
    array = picture(dice, (256, 128, 64), "uint8")[..., 0]
    content = upload_bytes(name, array, chunk_size="64,64,8")
    with storing.connect() as wire:
        wire.send(content[:-5])
        await_condition(lambda: status(storing, name) == "uploading", "the upload never began")

        def item():
            return json.loads(storing.get(f"/v1/volumes/{name}").content)

        await_condition(lambda: item().get("expected_bytes") == array.size and item()["received_bytes"] > 0, "no progress")
        assert storing.get(f"/precomputed/{name}/info").status == 404
        wire.send(content[-5:])
        assert wire.read("PUT").status == 201


def test_the_log_has_the_begin_and_the_end_of_an_upload(dice, name, storing):
    """Bytes, levels and seconds, at level info, under the id of the request."""
    array = picture(dice, (130, 90, 20), "uint8")[..., 0]
    assert upload(storing, name, array, fields=[("X-Request-Id", f"id-{name}")]).status == 201

    def lines():
        return [line for line in storing.log.splitlines() if f"id=id-{name}" in line and f"volume={name}" in line]

    await_condition(lambda: len(lines()) == 2, "the log has not both lines")
    begin, end = lines()
    assert re.search(rf' info "?upload begins"? bytes={array.size} .*levels=3 ', begin), begin
    assert re.search(rf" info uploaded bytes={array.size} .*levels=3 seconds=\d+\.\d ", end), end


def test_delete(dice, name, storing):
    """A deleted volume is gone, its files too, and a second DELETE finds nothing."""
    before = remains(storing.data)
    assert upload(storing, name, picture(dice, (45, 31, 11), "uint8")[..., 0]).status == 201
    assert remains(storing.data) - before
    assert storing.get(f"/v1/volumes/{name}", [("If-Match", '"other"')], method="DELETE").status == 412
    assert storing.get(f"/v1/volumes/{name}", method="DELETE").status == 204
    for path in (f"/v1/volumes/{name}", f"/precomputed/{name}/info"):
        assert storing.get(path).status == 404
    assert storing.get(f"/v1/volumes/{name}", method="DELETE").status == 404
    await_condition(lambda: remains(storing.data) <= before, "files of a deleted volume are there")


def test_a_configured_volume_is_not_written(dice, tmp_path):
    """DELETE of a configured volume is 405, PUT 409, and its source is untouched."""
    array = picture(dice, (45, 31, 11), "uint8")
    write(tmp_path / "v", array)
    config = configuration({"v": {"source": tmp_path / "v"}, "gone": {"source": tmp_path / "gone"}})
    with Server("--data", str(tmp_path / "data"), config=config) as server:
        for name in ("v", "gone"):
            reply = server.get(f"/v1/volumes/{name}", method="DELETE")
            assert reply.status == 405 and "DELETE" not in reply["Allow"]
            assert upload(server, name, array[..., 0]).status == 409
    assert same(read(tmp_path / "v"), array)


def test_uploads_survive_a_restart(dice, tmp_path):
    """After a restart the same volume is there with the same tag."""
    array = picture(dice, (75, 51, 21), "uint8")[..., 0]
    with Server("--data", str(tmp_path)) as server:
        tag = upload(server, "v", array, voxel_offset="1,2,3")["ETag"]
        assert server.stop() == 0
    with Server("--data", str(tmp_path)) as server:
        assert same(cutout(server, "v"), array)
        assert server.get("/v1/volumes/v")["ETag"] == tag
        assert info(server, "v")["scales"][0]["voxel_offset"] == [1, 2, 3]


@pytest.mark.parametrize("text", ["x\r\nSet-Cookie: a=b", "", "f" * 17, 7, '"'])
def test_an_upload_whose_info_was_changed_by_others_has_a_tag(text, dice, tmp_path):
    """What stands in a damaged `info` never becomes a field of an answer."""
    array = picture(dice, (20, 20, 8), "uint8")[..., 0]
    with Server("--data", str(tmp_path)) as server:
        assert upload(server, "v", array).status == 201
        assert server.stop() == 0
    change_info(tmp_path / "volumes/v", lambda info: info.update(pyramidion_fingerprint=text))
    with Server("--data", str(tmp_path)) as server:
        assert same(cutout(server, "v"), array)
        tag = server.get("/precomputed/v/info")["ETag"]
        assert re.fullmatch('"[0-9a-f]{1,16}-[0-9a-f]+-[0-9a-f]+"', tag), tag
