# SPDX-License-Identifier: Apache-2.0
"""Cutouts, previews and OME-Zarr: the same voxels seen otherwise."""
import json
import random
import struct
import zlib

import numpy as np
import pytest
import tensorstore as ts
import zarr

from support.arrays import same
from support.source import Source
from support.volumes import cutout, info, labels, picture, serving, steps, write

BEGIN = (-37, 5, 3)
SHAPE = (101, 75, 33)


@pytest.fixture(scope="module")
def volume(tmp_path_factory):
    """Pictures `grey` and `colour` and the labels `ids`, all at one odd, negative offset; `levels` has what they hold."""
    place, dice = tmp_path_factory.mktemp("views"), random.Random(11)
    arrays = {"grey": picture(dice, SHAPE, "uint16"), "colour": picture(dice, (*SHAPE, 3), "uint8"),
              "ids": labels(dice, SHAPE, "uint64"), "empty": np.zeros((*SHAPE, 1), np.float32)}
    for name, array in arrays.items():
        write(place / name, array, begin=BEGIN, encoding="compressed_segmentation" if name == "ids" else "raw")
    settings = "limits: {cutout_bytes: 600000}\n"
    volumes = {name: {"source": place / name, "mips": 2} for name in arrays}
    with serving(place, volumes, settings=settings) as server:
        server.levels = {name: steps(array, BEGIN, (2, 2, 1), 2, "mode" if name == "ids" else "average")
                         for name, array in arrays.items()}
        yield server


def spell(low, high):
    return "_".join(f"{l}-{h}" for l, h in zip(low, high))


@pytest.mark.parametrize("name", ["grey", "colour", "ids"])
@pytest.mark.parametrize("mip", [0, 1, 2])
def test_a_cutout_is_its_box(name, mip, volume, dice):
    """Boxes at random, across chunks and on their borders, hold what the level holds there."""
    level = volume.levels[name][mip]
    begin = info(volume, name)["scales"][mip]["voxel_offset"]
    boxes = [([0, 0, 0], [1, 1, 1]), ([n - 1 for n in level.shape[:3]], list(level.shape[:3]))]
    for _ in range(10):
        low = [dice.randrange(n) for n in level.shape[:3]]
        boxes.append((low, [dice.randint(l + 1, n) for l, n in zip(low, level.shape)]))
    for low, high in boxes:
        want = level[tuple(map(slice, low, high))]
        if want.nbytes > 600_000:
            continue
        box = spell([b + l for b, l in zip(begin, low)], [b + h for b, h in zip(begin, high)])
        got = cutout(volume, name, mip, bbox=box)
        assert same(got, want if name == "colour" else want[..., 0]), box


@pytest.mark.parametrize("shape,reads", [((40, 40, 40, 16), 1), ((256, 256, 150, 8), 2)])
def test_a_cutout_of_many_channels_does_not_read_its_chunks_for_each(shape, reads, dice, tmp_path):
    """Up to 64 MiB are brought together at a time, whatever their channels."""
    array = np.random.default_rng(dice.getrandbits(32)).integers(0, 255, shape, "uint8", endpoint=True)
    write(tmp_path / "v", array, chunk=(128, 128, 16))
    with Source(tmp_path) as source:
        volumes = {"v": {"source": f"{source.url}/v", "mips": 0}}
        with serving(tmp_path, volumes, settings="cache: {memory: 0}\n") as server:
            assert same(cutout(server, "v"), array)
        asked = {path: count for path, count in source.asked.items() if "8_8_40" in path}
        assert asked and set(asked.values()) == {reads}, asked


def test_a_raw_cutout_is_the_array_without_its_header(volume):
    """`format=raw` has x fastest, the channel slowest, and fields that say so."""
    reply = volume.get("/v1/volumes/colour/cutout?mip=2&format=raw")
    want = volume.levels["colour"][2]
    assert reply.status == 200 and reply.body == want.tobytes(order="F")
    assert reply["Pyramid-Dtype"] == "uint8" and reply["Pyramid-Order"] == "F"
    assert reply["Pyramid-Shape"] == "(" + " ".join(map(str, want.shape)) + ")"


@pytest.mark.parametrize("name", ["grey", "colour"])
def test_a_cutout_in_gzip_and_its_head(name, volume):
    """gzip changes no byte; HEAD has the length of the plain one and no body."""
    target = f"/v1/volumes/{name}/cutout?mip=1"
    plain = volume.get(target)
    packed = volume.get(target, [("Accept-Encoding", "gzip")])
    assert packed["Content-Encoding"] == "gzip" and packed.content == plain.body
    only_head = volume.get(target, method="HEAD")
    assert only_head.status == 200 and only_head["Content-Length"] == str(len(plain.body)) and not only_head.body


@pytest.mark.parametrize("query,word", [
    *((f"bbox={box}", "bbox") for box in (
        "-38-0_5-6_3-4", "0-65_5-6_3-4", "0-1_4-6_3-4", "0-1_5-81_3-4", "0-1_5-6_3-37", "0-0_5-6_3-4", "5-0_5-6_3-4", "x", "",
        "0-1_5-6", f"{2**70}-{2**70 + 1}_5-6_3-4", f"0-{2**63}_5-6_3-4", f"-{2**63}-{2**63 - 1}_5-6_3-4", "0-1,5-6,3-4")),
    *((f"mip={mip}", "mip") for mip in ("3", "-1", "x", "", "99999999999999999999")),
    ("format=npz", "format"), ("size=3", "size"), ("mip=0&mip=0", "mip"),
])
def test_a_bad_cutout_is_400_and_names_the_parameter(query, word, volume):
    """A box outside, an empty one, what is no box, no mip and no parameter."""
    reply = volume.get(f"/v1/volumes/grey/cutout?{query}")
    assert reply.status == 400, reply.status
    assert f"`{word}`" in reply.problem["detail"], reply.problem["detail"]


def test_a_cutout_over_the_limit_is_413(volume):
    """limits.cutout_bytes is named; HEAD is refused as GET is, and a smaller box passes."""
    # 3 channels of 100 x 75 x 26 voxels are 585,000 bytes; of one slice more 607,500.
    for box, status in (("-37-63_5-80_3-29", 200), ("-37-63_5-80_3-30", 413)):
        assert volume.get(f"/v1/volumes/colour/cutout?bbox={box}", method="HEAD").status == status
    reply = volume.get("/v1/volumes/colour/cutout")
    assert reply.status == 413 and "limits.cutout_bytes" in reply.problem["detail"]


# Previews


@pytest.mark.parametrize("name", ["grey", "colour", "ids", "empty"])
@pytest.mark.parametrize("size", [64, 512])
@pytest.mark.parametrize("axis,sides", [("x", (1, 2)), ("y", (0, 2)), ("z", (0, 1))])
def test_a_preview_has_the_proportions_of_the_volume(name, axis, sides, size, volume):
    """Along each axis, a picture is as wide to its height as the slice is in nanometres, and no larger than asked for."""
    reply = volume.get(f"/v1/volumes/{name}/preview.png?axis={axis}&size={size}")
    width, height = png_size(reply)
    lengths = [n * r for n, r in zip(SHAPE, (8, 8, 40))]
    wanted = lengths[sides[0]] / lengths[sides[1]]
    assert min(size, 100) / 2 < max(width, height) <= size
    # Either side may be off by a pixel.
    assert (width - 1) / (height + 1) < wanted < (width + 1) / (height - 1), (width, height, wanted)


def png_size(reply):
    """The size of a picture that is whole: every chunk of it has its right checksum, and its pixels inflate."""
    assert reply.status == 200, (reply.status, reply.body[:300])
    assert reply["Content-Type"] == "image/png"
    content = reply.body
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    at, packed, names = 8, b"", []
    while at < len(content):
        length, name = struct.unpack_from(">I4s", content, at)
        data = content[at + 8:at + 8 + length]
        assert zlib.crc32(name + data) == struct.unpack_from(">I", content, at + 8 + length)[0]
        names.append(name)
        packed += data if name == b"IDAT" else b""
        at += 12 + length
    assert names[0] == b"IHDR" and names[-1] == b"IEND"
    width, height, depth, colour = struct.unpack_from(">IIBB", content, 16)
    samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    assert len(zlib.decompress(packed)) == height * (1 + -(-width * samples * depth // 8))
    return width, height


def test_a_preview_is_of_the_slice_that_is_asked_for(volume):
    """`at` counts voxels of the mip that is named, and other slices look otherwise."""
    pictures = {volume.get(f"/v1/volumes/grey/preview.png?mip=0&axis=z&at={at}").body for at in range(3, 8)}
    assert len(pictures) == 5


def test_a_preview_of_a_range(volume):
    """`range` is what is black and what is white."""
    def shown(query):
        reply = volume.get(f"/v1/volumes/grey/preview.png?mip=0&{query}")
        png_size(reply)
        return reply.body

    assert shown("range=0,65535") != shown("range=0,1000")


@pytest.mark.parametrize("query,word", [
    ("axis=w", "axis"), ("axis=", "axis"), ("at=2&mip=0", "at"), ("at=36&mip=0", "at"), ("at=x", "at"), ("at=1e3", "at"),
    (f"at={2**70}", "at"), (f"at=-{2**63}", "at"), ("range=5", "range"), ("range=5,5", "range"), ("range=nan,1", "range"),
    ("range=1,0", "range"), ("range=0,inf", "range"), ("range=1,2,3", "range"), ("range=1,x,5", "range"), ("size=15", "size"), ("size=4097", "size"), ("size=x", "size"),
    ("mip=3", "mip"), ("format=jpeg", "format"),
])
def test_a_bad_preview_is_400_and_names_the_parameter(query, word, volume):
    """A value outside its set, or a parameter that is none."""
    reply = volume.get(f"/v1/volumes/grey/preview.png?{query}")
    assert reply.status == 400, reply.status
    assert f"`{word}`" in reply.problem["detail"], reply.problem["detail"]


# OME-Zarr


@pytest.mark.parametrize("name", ["grey", "colour", "ids"])
@pytest.mark.parametrize("mip", [0, 1, 2])
def test_tensorstore_reads_the_same_from_zarr(name, mip, volume):
    """Every level of the OME-Zarr equals that of the volume, z first, the channel before it."""
    store = ts.open({"driver": "zarr", "kvstore": {"driver": "http", "base_url": volume.url, "path": f"/zarr/{name}/{mip}/"}}).result()
    assert same(from_zarr(store.read().result()), volume.levels[name][mip])


def from_zarr(array):
    """[x, y, z, channel] of [(channel,) z, y, x]."""
    array = array if array.ndim == 4 else array[None]
    return np.ascontiguousarray(array.transpose(3, 2, 1, 0))


@pytest.mark.parametrize("name", ["grey", "colour", "ids"])
def test_zarr_python_reads_the_same(name, volume, tmp_path):
    """zarr-python opens the group that is served, and reads every level from its chunks."""
    metadata = json.loads(volume.get(f"/zarr/{name}/.zmetadata").content)["metadata"]
    for key, value in metadata.items():
        (tmp_path / key).parent.mkdir(exist_ok=True)
        (tmp_path / key).write_text(json.dumps(value))
        if "shape" in value:
            level = key.partition("/")[0]
            counts = [-(-n // c) for n, c in zip(value["shape"], value["chunks"])]
            for cell in np.ndindex(*counts):
                place = value.get("dimension_separator", ".").join(map(str, cell))
                reply = volume.get(f"/zarr/{name}/{level}/{place}")
                assert reply.status == 200, (level, place)
                (tmp_path / level / place).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / level / place).write_bytes(reply.body)
    group = zarr.open_group(tmp_path, mode="r", zarr_format=2)
    [scales] = group.attrs["multiscales"]
    for dataset, want in zip(scales["datasets"], volume.levels[name], strict=True):
        assert same(from_zarr(group[dataset["path"]][...]), want)


def test_zarr_lies_where_the_volume_lies(volume):
    """The centre of the first voxel, in nanometres, is where half a voxel beyond the volume's offset is."""
    for kind in ("grey", "colour"):
        [scales] = json.loads(volume.get(f"/zarr/{kind}/.zattrs").content)["multiscales"]
        axes = [axis["name"] for axis in scales["axes"]]
        assert axes[-3:] == ["z", "y", "x"] and scales["version"] == "0.4"
        for dataset, scale in zip(scales["datasets"], info(volume, kind)["scales"], strict=True):
            change = {item["type"]: item[item["type"]] for item in dataset["coordinateTransformations"]}
            assert change["scale"][-3:] == scale["resolution"][::-1]
            wanted = [(offset + 0.5) * size for offset, size in zip(scale["voxel_offset"], scale["resolution"])]
            assert change["translation"][-3:] == wanted[::-1]


@pytest.mark.parametrize("key", [
    "0/99.0.0", "0/-1.0.0", "0/0.0", "0/0.0.0.0.0", "3/.zarray", "zarr.json", "0/zarr.json", "0/x", "0/0/99/0", f"0/{2**70}.0.0",
    "..", "../info", "0/..", ".zarray",
])
def test_what_is_not_in_zarr_is_404(key, volume):
    """Cells outside, levels that are not there, files of other versions."""
    reply = volume.get(f"/zarr/grey/{key}")
    assert reply.status in (400, 404), reply.status
    assert reply.problem
