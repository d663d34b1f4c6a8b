# SPDX-License-Identifier: Apache-2.0
"""Sources that are missing, broken or slow: a clear status, a message that names the place, and nothing kept."""
import gzip
import json
import struct

import numpy as np
import pytest

from support.arrays import first_difference, same
from support.process import Server, await_condition
from support.source import Source
from support.volumes import (chunk_names, configuration, kept, labels, picture, read, serving, steps, targets, write)


def refused(server, target, status, *words):
    """The answer has this status, and its detail these words."""
    reply = server.get(target)
    assert reply.status == status, (reply.status, reply.body[:300])
    for word in words:
        assert word in reply.problem["detail"], (word, reply.problem["detail"])
    return reply


def test_a_source_that_is_missing_harms_no_other(dice, tmp_path):
    """A source that is not there is a 502 with words, and the other volumes are served."""
    array = picture(dice, (40, 40, 10), "uint8")
    write(tmp_path / "v", array)
    volumes = {"v": {"source": tmp_path / "v", "mips": 1}, "gone": {"source": tmp_path / "gone"}}
    with serving(tmp_path, volumes) as server:
        refused(server, "/precomputed/gone/info", 502, "gone")
        refused(server, "/v1/volumes/gone/cutout", 502, "gone")
        items = {item["name"]: item for item in json.loads(server.get("/v1/volumes").content)}
        assert items["gone"]["status"] == "unavailable" and items["gone"]["problem"]
        assert same(read(f"{server.url}/precomputed/v", 1), steps(array, (0, 0, 0), (2, 2, 1), 1)[1])


def test_a_source_that_comes_back_is_served(dice, tmp_path):
    """A source that was missing at the start is looked for again."""
    with serving(tmp_path, {"v": {"source": tmp_path / "v"}}) as server:
        assert server.get("/precomputed/v/info").status == 502
        write(tmp_path / "v", picture(dice, (40, 40, 10), "uint8"))
        await_condition(lambda: server.get("/precomputed/v/info").status == 200, "the source is there, and not served")


SCALE = {"key": "1_1_1", "size": [8, 8, 8], "resolution": [1, 1, 1], "voxel_offset": [0, 0, 0],
         "chunk_sizes": [[8, 8, 8]], "encoding": "raw"}
INFO = {"@type": "neuroglancer_multiscale_volume", "type": "image", "data_type": "uint8", "num_channels": 1, "scales": [SCALE]}
SHARDING = {"@type": "neuroglancer_uint64_sharded_v1", "preshift_bits": 0, "hash": "identity", "minishard_bits": 1,
            "shard_bits": 1}
WRONG = [
    ({"@type": "something"}, "@type"), ({"type": "mesh"}, "type"), ({"data_type": "float64"}, "data_type"),
    ({"num_channels": 0}, "num_channels"), ({"num_channels": 1.5}, "num_channels"),
    ({"scales": []}, "scales"), ({"scales": None}, "scales"), ({"scales": {}}, "scales"),
]
WRONG_SCALES = [
    ({"size": [8, 8]}, "size"), ({"size": [8, 8, -1]}, "size"), ({"size": [8, 8, 2**63]}, "size"),
    ({"resolution": [1, 0, 1]}, "resolution"), ({"resolution": [1, -4, 1]}, "resolution"), ({"resolution": "x"}, "resolution"),
    ({"voxel_offset": [0.5, 0, 0]}, "voxel_offset"), ({"voxel_offset": [2**70, 0, 0]}, "voxel_offset"),
    ({"chunk_sizes": [[0, 8, 8]]}, "chunk_sizes"), ({"chunk_sizes": []}, "chunk_sizes"),
    ({"chunk_sizes": [[2**31, 2**31, 2**31]]}, "chunk_sizes"),
    ({"encoding": "gif"}, "encoding"), ({"encoding": "compressed_segmentation"}, "encoding"),
    ({"key": 7}, "key"), ({"key": ""}, "key"),
    ({"sharding": {**SHARDING, "hash": "md5"}}, "hash"), ({"sharding": {**SHARDING, "minishard_bits": 65}}, "minishard_bits"),
    ({"sharding": {**SHARDING, "shard_bits": -1}}, "shard_bits"), ({"sharding": 7}, "sharding"),
]


WRONG_INFOS = [
    *((json.dumps({**INFO, **change}), word) for change, word in WRONG),
    *((json.dumps({**INFO, "scales": [{**SCALE, **change}]}), word) for change, word in WRONG_SCALES),
    ("", "JSON"), ("{", "JSON"), ("[]", "object"), ("[" * 100_000, "JSON"), ('{"a": 1, "a": 2}', "a"),
    ("\x00", "JSON"), (json.dumps(INFO) + "x", "JSON"),
]


@pytest.fixture(scope="module")
def faulty(tmp_path_factory):
    """A server of all wrong infos, each a volume, and of the right one that they were made of."""
    place = tmp_path_factory.mktemp("faulty")
    texts = {f"v{number}": text for number, (text, _) in enumerate(WRONG_INFOS)} | {"right": json.dumps(INFO)}
    for name, text in texts.items():
        (place / name).mkdir()
        (place / name / "info").write_text(text)
    with serving(place, {name: {"source": place / name} for name in texts}) as server:
        assert server.get("/precomputed/right/info").status == 200
        yield server


@pytest.mark.parametrize("number", range(len(WRONG_INFOS)))
def test_an_info_that_is_wrong_is_502_and_names_the_member(number, faulty):
    """Whatever member is wrong, the answer says which."""
    refused(faulty, f"/precomputed/v{number}/info", 502, WRONG_INFOS[number][1])


@pytest.mark.parametrize("key", ["/etc", "http://127.0.0.1:1/x", "a\0b", "a//b", "a/", "../" * 40 + "etc"])
@pytest.mark.parametrize("over_http", [False, True])
def test_a_key_that_can_lead_to_no_chunk_is_502_at_the_opening(key, over_http, tmp_path):
    """The volume is unavailable, and the words name the key's place."""
    (tmp_path / "v").mkdir()
    (tmp_path / "v/info").write_text(json.dumps({**INFO, "scales": [{**SCALE, "key": key}]}))
    with Source(tmp_path) as source:
        with serving(tmp_path, {"v": {"source": f"{source.url}/v" if over_http else tmp_path / "v"}}) as server:
            refused(server, "/precomputed/v/info", 502, "scales[0].key")
            assert json.loads(server.get("/v1/volumes/v").content)["status"] == "unavailable"


@pytest.mark.parametrize("shards", [None, "identity"])
@pytest.mark.parametrize("over_http", [False, True])
def test_a_key_with_dots_is_relative_to_its_info(shards, over_http, dice, tmp_path):
    """The chunks of a scale may lie beside the folder of its info."""
    array = picture(dice, (40, 30, 10), "uint8")
    write(tmp_path / "x", array, shards=shards)
    info = json.loads((tmp_path / "x/info").read_bytes())
    info["scales"][0]["key"] = f"../x/{info['scales'][0]['key']}"
    (tmp_path / "v").mkdir()
    (tmp_path / "v/info").write_text(json.dumps(info))
    with Source(tmp_path) as source:
        place = f"{source.url}/v" if over_http else tmp_path / "v"
        with serving(tmp_path, {"v": {"source": place, "mips": 1}}) as server:
            for level, want in enumerate(steps(array, (0, 0, 0), (2, 2, 1), 1)):
                assert same(read(f"{server.url}/precomputed/v", level), want)


def test_a_link_out_of_the_source_is_502_and_says_what_would_be_right(dice, tmp_path):
    """Links are followed inside the folder of the source alone."""
    array = picture(dice, (8, 8, 8), "uint8")
    write(tmp_path / "v", array)
    folder = first_chunk(tmp_path).parent
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to("../elsewhere")
    with serving(tmp_path, {"v": {"source": tmp_path / "v"}}) as server:
        refused(server, targets(server, "v", 0)[0], 502, "symbolic link", "../")


def test_a_key_does_not_lead_to_other_files(tmp_path):
    """A scale whose key has `..` reads nothing through links that leave the folder it leads to."""
    (tmp_path / "a/v").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    (tmp_path / "other/0-8_0-8_0-8").write_bytes(b"7" * 512)
    (tmp_path / "a/other").symlink_to("../other")
    (tmp_path / "a/v/info").write_text(json.dumps({**INFO, "scales": [{**SCALE, "key": "../other"}]}))
    with serving(tmp_path, {"v": {"source": tmp_path / "a/v"}}) as server:
        refused(server, targets(server, "v", 0)[0], 502, "symbolic link")


def first_chunk(tmp_path):
    scale = json.loads((tmp_path / "v/info").read_bytes())["scales"][0]
    return tmp_path / "v" / scale["key"] / chunk_names(scale)[0]


def broken_label_chunk(change):
    """A compressed_segmentation chunk of one block of 8x8x8 uint64 labels, with `change` done to its words."""
    words = [1, 0x01000012, 2, *[0x5555_5555] * 16, 5, 0, 7, 0]
    change(words)
    return struct.pack(f"<{len(words)}I", *words)


def put(index, value):
    return lambda words: words.__setitem__(index, value)


BROKEN = {
    "raw": [b"", lambda good: good[:-1], lambda good: good + b"\0"],
    "jpeg": [b"", b"no picture", lambda good: good[:20], lambda good: good[:len(good) // 2]],
    "png": [b"", b"no picture", lambda good: good[:30], lambda good: good[:len(good) // 2],
            lambda good: good[:60] + bytes([good[60] ^ 255]) + good[61:]],
    "compressed_segmentation": [
        b"", b"\1\0\0", broken_label_chunk(put(0, 99)), broken_label_chunk(put(0, 0)), broken_label_chunk(put(1, 0x01FFFFFF)),
        broken_label_chunk(put(2, 0xFFFFFF)), broken_label_chunk(put(1, 0x21000012)), broken_label_chunk(put(1, 0x03000012)),
        broken_label_chunk(lambda words: words.__delitem__(slice(6, None))), broken_label_chunk(put(1, 0x20000012)),
    ],
}
CASES = [(encoding, number) for encoding, all in BROKEN.items() for number in range(len(all))]


@pytest.mark.parametrize("encoding,number", CASES)
def test_a_broken_chunk_is_502_with_its_name_and_nothing_is_kept(encoding, number, dice, tmp_path):
    """A chunk of the source that is no chunk fails what is made of it, and leaves nothing."""
    if encoding == "compressed_segmentation":
        array, chunk = labels(dice, (8, 8, 8), "uint64"), (8, 8, 8)
    else:
        array, chunk = picture(dice, (20, 20, 8), "uint8"), (20, 20, 8)
    write(tmp_path / "v", array, encoding=encoding, chunk=chunk)
    path = first_chunk(tmp_path)
    broken = BROKEN[encoding][number]
    path.write_bytes(broken if isinstance(broken, bytes) else broken(path.read_bytes()))
    with serving(tmp_path, {"v": {"source": tmp_path / "v", "mips": 1}}) as server:
        refused(server, targets(server, "v", 1)[0], 502, path.name)
        refused(server, "/v1/volumes/v/cutout?mip=0", 502, path.name)
        assert kept(tmp_path, "v") == {}


@pytest.mark.parametrize("gzipped", [False, True])
@pytest.mark.parametrize("broken", [b"", b"<html>log in</html>\n"])
@pytest.mark.parametrize("encoding", ["raw", "jpeg", "png", "compressed_segmentation"])
def test_what_shows_to_be_no_chunk_is_not_passed_on(encoding, broken, gzipped, dice, tmp_path):
    """An empty object, or a page in a chunk's place, is the source's fault before anybody decodes it."""
    is_labels = encoding == "compressed_segmentation"
    array = labels(dice, (8, 8, 8), "uint64") if is_labels else picture(dice, (8, 8, 8), "uint8")
    write(tmp_path / "v", array, encoding=encoding, chunk=(8, 8, 8))
    path = first_chunk(tmp_path)
    path.unlink()
    if gzipped:
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(broken))
    else:
        path.write_bytes(broken)
    with serving(tmp_path, {"v": {"source": tmp_path / "v", "mips": 0}}) as server:
        for coding in ("identity", "gzip"):
            reply = server.get(targets(server, "v", 0)[0], fields=[("Accept-Encoding", coding)])
            assert reply.status == 502 and path.name in reply.problem["detail"], (coding, reply.status, reply.body)


def test_the_label_chunk_of_these_tests_is_right_before_it_is_broken(dice, tmp_path):
    """The hand-made chunk differs from a right one in what each case changes alone."""
    write(tmp_path / "v", labels(dice, (8, 8, 8), "uint64"), encoding="compressed_segmentation", chunk=(8, 8, 8))
    first_chunk(tmp_path).write_bytes(broken_label_chunk(lambda words: None))
    with serving(tmp_path, {"v": {"source": tmp_path / "v", "mips": 1}}) as server:
        voxels = read(f"{server.url}/precomputed/v", 0)
        assert set(np.unique(voxels)) == {5, 7}
        assert server.get(targets(server, "v", 1)[0]).status == 200


def test_a_packed_chunk_that_is_broken_is_502(dice, tmp_path):
    """A gzip that does not unpack is the source's fault, whoever asks for what is in it."""
    write(tmp_path / "v", picture(dice, (32, 32, 16), "uint8"), gzipped=True)
    [path] = (tmp_path / "v").rglob("*.gz")
    packed = bytearray(path.read_bytes())
    packed[len(packed) // 2] ^= 255
    path.write_bytes(packed)
    with serving(tmp_path, {"v": {"source": tmp_path / "v", "mips": 1}}) as server:
        refused(server, targets(server, "v", 0)[0], 502, path.stem)
        refused(server, targets(server, "v", 1)[0], 502, path.stem)
        assert kept(tmp_path, "v") == {}


def test_a_chunk_of_several_gzip_members_is_one_chunk(dice, tmp_path):
    """Its length is that of all of them together, as RFC 1952 has it; another length is broken all the same."""
    array = picture(dice, (32, 32, 16), "uint8")
    write(tmp_path / "v", array)
    path = first_chunk(tmp_path)
    whole = path.read_bytes()
    path.unlink()
    members = gzip.compress(whole[:5000]) + gzip.compress(whole[5000:])
    packed = path.with_name(path.name + ".gz")
    packed.write_bytes(members)
    volumes = {"v": {"source": tmp_path / "v", "mips": 1}}
    with serving(tmp_path, volumes, settings="cache: {memory: 0}\n") as server:
        made, stored = targets(server, "v", 1)[0], targets(server, "v", 0)[0]
        assert server.get(stored).content == whole
        assert server.get(stored, [("Accept-Encoding", "gzip")]).content == whole
        assert server.get(made).content == steps(array, (0, 0, 0), (2, 2, 1), 1)[1].tobytes(order="F")
        for wrong in (members + gzip.compress(b"x"), gzip.compress(whole[:5000]), members[:-9]):
            packed.write_bytes(wrong)
            refused(server, stored, 502, path.name)


def test_an_empty_chunk_that_cannot_be_written_is_502(tmp_path):
    """Blocks of one voxel need more words than the format can address, so no source has such a chunk."""
    giant(tmp_path / "v", [256] * 3, [256] * 3, type="segmentation", data_type="uint32", scale={
        "encoding": "compressed_segmentation", "compressed_segmentation_block_size": [1, 1, 1]})
    with serving(tmp_path, {"v": {"source": tmp_path / "v", "mips": 0}}) as server:
        refused(server, targets(server, "v", 0)[0], 502, "0-256_0-256_0-256", "smaller chunks")


def shard_files(tmp_path):
    return sorted((tmp_path / "v").rglob("*.shard"))


def lie(path, position, first, last):
    content = bytearray(path.read_bytes())
    struct.pack_into("<QQ", content, position, first, last)
    path.write_bytes(content)


SHARD_LIES = {
    "outside": (1 << 40, (1 << 40) + 48), "backwards": (90, 20), "huge": (0, (1 << 64) - 1),
    "overflow": ((1 << 64) - 8, (1 << 64) - 1), "no multiple of 24": (0, 25), "giant": (0, 1 << 62),
}


@pytest.mark.parametrize("case", SHARD_LIES)
def test_a_shard_index_that_lies_is_502(case, dice, tmp_path):
    """Entries of a shard's index that point outside it, backwards, or beyond any number are no chunk."""
    write(tmp_path / "v", picture(dice, (64, 64, 32), "uint8"), shards="murmur")
    for path in shard_files(tmp_path):
        for minishard in range(4):
            lie(path, 16 * minishard, *SHARD_LIES[case])
    with serving(tmp_path, {"v": {"source": tmp_path / "v", "mips": 1}}) as server:
        refused(server, targets(server, "v", 0)[0], 502)
        refused(server, targets(server, "v", 1)[0], 502)
        assert kept(tmp_path, "v") == {}


MINISHARD_LIES = {"outside": (0, 1 << 40, 64), "overflow": (0, (1 << 64) - 4, 64), "giant": (0, 0, (1 << 64) - 1),
                  "short": (0, 0, 3), "empty": (0, 0, 0)}


@pytest.mark.parametrize("over_http", [False, True])
@pytest.mark.parametrize("case", MINISHARD_LIES)
def test_a_minishard_that_lies_is_502(case, over_http, dice, tmp_path):
    """A minishard whose chunks lie outside the shard, or are no chunks, fails what asks for them."""
    delta, start, size = MINISHARD_LIES[case]
    write(tmp_path / "v", picture(dice, (32, 32, 16), "uint8"), shards="murmur")
    [path] = shard_files(tmp_path)
    content = bytearray(path.read_bytes())
    for minishard in range(4):
        begin, end = struct.unpack_from("<QQ", content, 16 * minishard)
        if begin < end:
            struct.pack_into("<QQQ", content, 64 + begin, delta, start, size)
    path.write_bytes(content)
    with Source(tmp_path) as source, serving(tmp_path, {"v": {"source": f"{source.url}/v" if over_http else tmp_path / "v",
                                                              "mips": 1}}) as server:
        refused(server, targets(server, "v", 1)[0], 502)
        refused(server, targets(server, "v", 0)[0], 502)
        assert kept(tmp_path, "v") == {}


@pytest.mark.parametrize("over_http", [False, True])
@pytest.mark.parametrize("shards", ["identity", "murmur"])
def test_a_shard_that_is_replaced_is_read_by_its_own_index(shards, over_http, dice, tmp_path):
    """The index of the old one is not taken for the new one's, whose chunks lie elsewhere."""
    first, second = picture(dice, (64, 64, 32), "uint8"), labels(dice, (64, 64, 32), "uint8")
    write(tmp_path / "v", first, shards=shards)
    write(tmp_path / "w", second, shards=shards, type="image")
    with Source(tmp_path) as source:
        place = f"{source.url}/v" if over_http else tmp_path / "v"
        with serving(tmp_path, {"v": {"source": place, "mips": 0}}, settings="cache: {memory: 0}\n") as server:
            asked = targets(server, "v", 0)

            def served():
                return [server.get(target).content for target in asked]

            def cut(array):
                boxes = [[slice(*map(int, side.split("-"))) for side in target.rpartition("/")[2].split("_")]
                         for target in asked]
                return [array[tuple(box)].tobytes(order="F") for box in boxes]

            assert served() == cut(first)
            for path in (tmp_path / "w").rglob("*.shard"):
                path.replace(tmp_path / "v" / path.relative_to(tmp_path / "w"))
            assert served() == cut(second)


def test_a_shard_index_cut_short_is_502(dice, tmp_path):
    """A shard that ends within its index is broken, not empty."""
    write(tmp_path / "v", picture(dice, (32, 32, 16), "uint8"), shards="murmur")
    [path] = shard_files(tmp_path)
    path.write_bytes(path.read_bytes()[:10])
    with serving(tmp_path, {"v": {"source": tmp_path / "v", "mips": 1}}) as server:
        refused(server, targets(server, "v", 1)[0], 502)
        assert kept(tmp_path, "v") == {}


# Sources that name more than there is memory for


def giant(folder, size, chunk, **members):
    """A folder with the `info` of a volume that is far too large for any machine; gives the folder of its chunks."""
    scale = {**SCALE, "size": size, "chunk_sizes": [chunk], **members.pop("scale", {})}
    (folder / "1_1_1").mkdir(parents=True)
    (folder / "info").write_text(json.dumps({**INFO, **members, "scales": [scale]}))
    return folder / "1_1_1"


def test_zeros_for_a_chunk_larger_than_memory_are_refused(tmp_path):
    """A chunk that is not there is zeros, but not 256 GiB of them."""
    giant(tmp_path / "v", [65536, 65536, 64], [65536, 65536, 64])
    with serving(tmp_path, {"v": {"source": tmp_path / "v", "mips": 0}}) as server:
        refused(server, targets(server, "v", 0)[0], 413, "source_object_bytes")
        refused(server, "/v1/volumes/v/cutout?bbox=0-1_0-1_0-1", 413, "limits.memory")
        assert server.get("/healthz").status == 200


def test_padding_larger_than_memory_is_refused(tmp_path):
    """A small chunk at the end of a volume is padded to the size of all others, but not to 256 GiB."""
    chunks = giant(tmp_path / "v", [65537, 65536, 64], [65536, 65536, 64])
    (chunks / "65536-65537_0-65536_0-64").write_bytes(bytes(65536 * 64))
    with serving(tmp_path, {"v": {"source": tmp_path / "v", "mips": 0}}) as server:
        assert len(server.get("/precomputed/v/1_1_1/65536-65537_0-65536_0-64").content) == 65536 * 64
        refused(server, "/zarr/v/0/0/0/1", 413, "limits.memory")
        assert server.get("/healthz").status == 200


def test_labels_that_unpack_to_more_than_memory_are_refused(tmp_path):
    """Some 32 KB of compressed_segmentation that stand for 512 GiB are passed on, and not unpacked."""
    chunks = giant(tmp_path / "v", [4096] * 3, [4096] * 3, type="segmentation", data_type="uint64", scale={
        "encoding": "compressed_segmentation", "compressed_segmentation_block_size": [256] * 3})
    words = [1, *[8192, 0] * 4096, 7, 0]
    (chunks / "0-4096_0-4096_0-4096").write_bytes(struct.pack(f"<{len(words)}I", *words))
    with serving(tmp_path, {"v": {"source": tmp_path / "v", "mips": 1}}) as server:
        assert server.get("/precomputed/v/1_1_1/0-4096_0-4096_0-4096").status == 200
        refused(server, "/v1/volumes/v/cutout?mip=0&bbox=0-1_0-1_0-1", 413, "limits.memory")
        refused(server, "/zarr/v/0/0/0/0", 413, "limits.memory")
        refused(server, targets(server, "v", 1)[0], 503, "limits.source_voxels")
        assert server.get("/healthz").status == 200


# Sources over HTTP


@pytest.mark.parametrize("gzipped", [False, True])
@pytest.mark.parametrize("shards", [None, "identity", "murmur"])
def test_a_source_over_http(gzipped, shards, dice, tmp_path):
    """Every level of a source behind HTTP is right, packed or not, in shards or not."""
    array = picture(dice, (75, 51, 21), "uint16")
    write(tmp_path / "v", array, begin=(-3, 0, 1), shards=shards)
    with Source(tmp_path, gzipped=gzipped) as source:
        with serving(tmp_path, {"v": {"source": f"{source.url}/v", "mips": 2}}) as server:
            for level, want in enumerate(steps(array, (-3, 0, 1), (2, 2, 1), 2)):
                got = read(f"{server.url}/precomputed/v", level)
                assert same(got, want), first_difference(got, want)
        assert bool(source.ranges) == bool(shards), "shards are read in parts, chunks whole"


def test_404_of_a_source_is_zeros(dice, tmp_path):
    """A chunk that a source over HTTP does not have is empty."""
    array = picture(dice, (64, 32, 16), "uint8")
    write(tmp_path / "v", array)
    first_chunk(tmp_path).unlink()
    array[:32] = 0
    with Source(tmp_path) as source, serving(tmp_path, {"v": {"source": f"{source.url}/v", "mips": 1}}) as server:
        assert same(read(f"{server.url}/precomputed/v", 1), steps(array, (0, 0, 0), (2, 2, 1), 1)[1])


@pytest.mark.parametrize("status", [500, 503, 403, 410, 301])
def test_a_source_that_fails_is_502_and_never_zeros(status, dice, tmp_path):
    """What a source refuses is not empty: the answer is a 502 that names the chunk, until the source is well."""
    array = picture(dice, (64, 32, 16), "uint8")
    write(tmp_path / "v", array)
    with Source(tmp_path) as source, serving(tmp_path, {"v": {"source": f"{source.url}/v", "mips": 1}}) as server:
        made = targets(server, "v", 1)[0]
        source.failures[first_chunk(tmp_path).name] = status
        refused(server, made, 502, first_chunk(tmp_path).name)
        refused(server, targets(server, "v", 0)[0], 502)
        assert kept(tmp_path, "v") == {}
        source.failures.clear()
        assert same(read(f"{server.url}/precomputed/v", 1), steps(array, (0, 0, 0), (2, 2, 1), 1)[1])


def test_a_source_that_is_slow_is_504(dice, tmp_path):
    """A source that does not answer within timeouts.source is a 504 with Retry-After, and the rest is served."""
    write(tmp_path / "v", picture(dice, (64, 32, 16), "uint8"))
    with Source(tmp_path) as source:
        settings = 'timeouts: {source: "300ms"}\n'
        with serving(tmp_path, {"v": {"source": f"{source.url}/v", "mips": 1}}, settings=settings) as server:
            first, second = targets(server, "v", 0)
            source.held = first_chunk(tmp_path).name
            reply = refused(server, first, 504)
            assert reply["Retry-After"]
            assert server.get(second).status == 200
            source.held = None


def test_a_shard_that_vanishes_is_502_and_never_zeros(dice, tmp_path):
    """A shard that is gone between two reads of it is no empty chunk, and nothing is kept of it."""
    array = picture(dice, (64, 32, 16), "uint8")
    write(tmp_path / "v", array, shards="identity")
    with Source(tmp_path) as source, serving(tmp_path, {"v": {"source": f"{source.url}/v", "mips": 1}}) as server:
        made = targets(server, "v", 1)[0]
        source.once = ".shard"
        refused(server, made, 502, "gone")
        assert kept(tmp_path, "v") == {}
        source.once = None
        assert same(read(f"{server.url}/precomputed/v", 1), steps(array, (0, 0, 0), (2, 2, 1), 1)[1])


def test_a_source_that_is_late_at_the_start_is_opened_all_the_same(dice, tmp_path):
    """The service starts without it, and nobody has to ask for it once it answers."""
    write(tmp_path / "v", picture(dice, (40, 40, 10), "uint8"))
    with Source(tmp_path) as source:
        source.held = "info"
        with serving(tmp_path, {"v": {"source": f"{source.url}/v", "mips": 1}}) as server:
            def status():
                return json.loads(server.get("/v1/volumes/v").content)["status"]

            assert status() != "ready"
            source.open_gate()
            await_condition(lambda: status() == "ready", "a source that answers late is not opened")


def test_a_service_whose_sources_are_late_lives_and_says_that_it_starts(dice, tmp_path):
    """It listens: alive, not ready, and a signal ends it; a chunk of a volume that is open is served."""
    write(tmp_path / "v", picture(dice, (40, 40, 10), "uint8"))
    with Source(tmp_path) as source:
        source.held = "info"
        volumes = {"late": {"source": f"{source.url}/v", "mips": 1}, "v": {"source": tmp_path / "v", "mips": 1}}
        with Server("--data", str(tmp_path / "data"), config=configuration(volumes), ready=False) as server:
            await_condition(lambda: answers(server, "/healthz") == 200, "it does not listen")
            reply = server.get("/readyz")
            assert reply.status == 503 and json.loads(reply.content)["status"] == "starting"
            assert server.get(targets(server, "v", 1)[0]).status == 200
            source.open_gate()
            await_condition(lambda: server.get("/readyz").status == 200, "it does not become ready")


def answers(server, path):
    try:
        return server.get(path).status
    except OSError:
        return None


def test_a_source_that_is_not_listening_is_502(tmp_path):
    """A host that refuses the connection is a 502 with words, at once."""
    with Source(tmp_path) as source:
        url = source.url
    with serving(tmp_path, {"v": {"source": f"{url}/v"}}) as server:
        refused(server, "/precomputed/v/info", 502, "v")
