# SPDX-License-Identifier: Apache-2.0
"""Volumes of the configuration: every level of every kind holds what it must, whatever the settings."""
import gzip
import json

import numpy as np
import pytest
import tensorstore as ts
import tinybrain

from support.arrays import first_difference, same
from support.process import run
from support.volumes import (change_info, chunk_names, info, labels, picture, posted, read, serving, step, steps,
                             targets, write)

PICTURES = {
    "raw8": dict(dtype="uint8", begin=(-7, 5, 3)),
    "raw16": dict(dtype="uint16", chunk=(17, 29, 5), begin=(-70, 13, -5)),
    "float": dict(dtype="float32", begin=(1, 1, 1)),
    "signed8": dict(dtype="int8", begin=(-3, -3, -3)),
    "signed32": dict(dtype="int32"),
    "channels": dict(dtype="uint8", channels=3, begin=(3, -2, 1)),
    "gzipped": dict(dtype="uint8", gzipped=True),
    "png8": dict(dtype="uint8", encoding="png"),
    "png16": dict(dtype="uint16", encoding="png", begin=(5, 0, 0)),
    "identity": dict(dtype="uint8", shards="identity"),
    "murmur": dict(dtype="uint16", shards="murmur", begin=(-9, 0, 0)),
    "large-coordinates": dict(dtype="uint8", begin=((1 << 40) + 1, -(1 << 40) - 1, 7)),
}
LABELS = {
    "raw64": dict(dtype="uint64", begin=(-1, -1, -1)),
    "packed32": dict(dtype="uint32", encoding="compressed_segmentation"),
    "packed64": dict(dtype="uint64", encoding="compressed_segmentation", chunk=(33, 20, 11), begin=(-7, 0, 9)),
    "sharded64": dict(dtype="uint64", encoding="compressed_segmentation", shards="identity"),
    "murmur32": dict(dtype="uint32", shards="murmur", begin=(2, 4, 6)),
    "small": dict(dtype="uint8", type="segmentation"),
}


def expect(got, want):
    want = want[..., None] if want.ndim == 3 else want
    assert same(got, want), first_difference(got, want)


def through_tensorstore(server, name, want):
    scales = info(server, name)["scales"]
    assert len(scales) == len(want), [scale["key"] for scale in scales]
    for level, voxels in enumerate(want):
        expect(read(f"{server.url}/precomputed/{name}", level), voxels)


@pytest.fixture
def shape(dice):
    """Odd sizes: the last chunk and the last box of every axis are cut short."""
    return dice.randrange(71, 110, 2), dice.randrange(41, 80, 2), dice.randrange(19, 40, 2)


@pytest.mark.parametrize("kind", PICTURES)
def test_every_level_of_a_picture_is_right(kind, dice, shape, tmp_path):
    """A level of an image is the mean of the one below, whatever its type, encoding, chunks, shards and offset."""
    case = dict(PICTURES[kind])
    array = picture(dice, (*shape, case.pop("channels", 1)), case.pop("dtype"))
    begin = case.get("begin", (0, 0, 0))
    write(tmp_path / "v", array, **case)
    with serving(tmp_path, {"v": {"source": tmp_path / "v", "factor": [2, 2, 2], "mips": 3}}) as server:
        through_tensorstore(server, "v", steps(array, begin, (2, 2, 2), 3))


@pytest.mark.parametrize("kind", LABELS)
def test_every_level_of_labels_is_right(kind, dice, shape, tmp_path):
    """A level of labels holds the most frequent one of the level below."""
    case = dict(LABELS[kind])
    array = labels(dice, shape, case.pop("dtype"))
    begin = case.get("begin", (0, 0, 0))
    write(tmp_path / "v", array, **case)
    with serving(tmp_path, {"v": {"source": tmp_path / "v", "factor": [2, 2, 1], "mips": 2}}) as server:
        through_tensorstore(server, "v", steps(array, begin, (2, 2, 1), 2, "mode"))


def test_levels_of_jpeg_are_made_of_jpeg_as_it_is_kept(dice, shape, tmp_path):
    """A level in JPEG is within a few grey levels of the mean of the level below as that is served."""
    write(tmp_path / "v", picture(dice, shape, "uint8"), encoding="jpeg")
    with serving(tmp_path, {"v": {"source": tmp_path / "v", "mips": 2}}) as server:
        url = f"{server.url}/precomputed/v"
        for level in (1, 2):
            want, _ = step(read(url, level - 1), (0, 0, 0), (2, 2, 1))
            apart = np.abs(read(url, level).astype(int) - want)
            assert apart.mean() < 3 and apart.max() < 25, (level, apart.mean(), apart.max())


def test_levels_in_another_encoding_than_their_source(dice, shape, tmp_path):
    """`encoding` is that of the levels made here, and raw keeps every voxel of their mean."""
    write(tmp_path / "v", picture(dice, shape, "uint8"), encoding="jpeg")
    settings = {"source": tmp_path / "v", "mips": 2, "encoding": "raw"}
    with serving(tmp_path, {"v": settings}) as server:
        scales = info(server, "v")["scales"]
        assert [scale["encoding"] for scale in scales] == ["jpeg", "raw", "raw"]
        through_tensorstore(server, "v", steps(read(tmp_path / "v"), (0, 0, 0), (2, 2, 1), 2))


@pytest.mark.parametrize("method", ["min", "max", "mode"])
def test_the_method_of_the_settings(method, dice, shape, tmp_path):
    """`method` wins over what is usual for an image."""
    array = picture(dice, shape, "uint8")
    write(tmp_path / "v", array, begin=(-3, 1, 1))
    settings = {"source": tmp_path / "v", "mips": 2, "method": method, "factor": [3, 2, 2]}
    with serving(tmp_path, {"v": settings}) as server:
        through_tensorstore(server, "v", steps(array, (-3, 1, 1), (3, 2, 2), 2, method))


@pytest.mark.parametrize("method,sparse", [("median", False), ("stride", False), ("average", True), ("mode", True)])
def test_a_level_is_what_post_makes_of_the_level_below(method, sparse, dice, shape, tmp_path, server):
    """At offset 0 every level equals one exact step by POST /v1/pyramid of the one below."""
    array = picture(dice, shape, "uint16")[..., 0]
    array[::3] = 0
    write(tmp_path / "v", array)
    settings = {"source": tmp_path / "v", "mips": 2, "method": method, "sparse": sparse}
    want = [array]
    for _ in range(2):
        want.append(posted(server, want[-1], method=method, sparse=sparse, factor=(2, 2, 1)))
    with serving(tmp_path, {"v": settings}) as own:
        through_tensorstore(own, "v", want)


def test_an_exact_average_is_the_mean_of_tensorstore(dice, shape, tmp_path):
    """Exact integer averages equal tensorstore's own downsampling applied level by level."""
    array = picture(dice, shape, "uint16")
    write(tmp_path / "v", array)
    want = [array]
    for _ in range(3):
        want.append(ts.downsample(ts.array(want[-1]), [2, 2, 2, 1], "mean").read().result())
    with serving(tmp_path, {"v": {"source": tmp_path / "v", "factor": [2, 2, 2], "mips": 3}}) as server:
        through_tensorstore(server, "v", want)


@pytest.mark.parametrize("factor,mips", [((2, 2, 1), 5), ((2, 2, 2), 3)])
def test_compat_is_one_call_of_tinybrain(factor, mips, dice, tmp_path):
    """`precision: compat` equals the mips of one tinybrain call over the whole level 0."""
    array = np.asfortranarray(picture(dice, (192, 160, 32), "uint8"))
    write(tmp_path / "v", array)
    want = [array, *tinybrain.downsample_with_averaging(array, (*factor, 1), num_mips=mips)]
    settings = {"source": tmp_path / "v", "factor": factor, "mips": mips, "precision": "compat"}
    with serving(tmp_path, {"v": settings}) as server:
        through_tensorstore(server, "v", [np.asarray(level) for level in want])


@pytest.mark.parametrize("settings,allowed", [
    ({"precision": "compat", "sparse": True}, "exact"),
    ({"precision": "compat", "factor": "auto"}, "exact"),
    ({"encoding": "jpeg"}, "encoding"),
    ({"encoding": "compressed_segmentation"}, "encoding"),
    ({"mips": 33}, "32"),
    ({"factor": [2, 2, 65]}, "64"),
    ({"factor": [1, 1, 1]}, "factor"),
])
def test_settings_that_cannot_be_stop_the_start(settings, allowed, dice, shape, tmp_path):
    """What cannot be made of a source that is there ends the start with words that say what can."""
    write(tmp_path / "v", picture(dice, shape, "uint16"))
    config = tmp_path / "config.yaml"
    config.write_text(json.dumps({"volumes": {"v": {"source": str(tmp_path / "v"), **settings}}}))
    ended = run("serve", "--config", config, "--listen", f"unix:{tmp_path}/socket", "--data", tmp_path / "data")
    words = ended.stderr.decode()
    assert ended.returncode == 1, (ended.returncode, words)
    assert allowed in words and "v" in words, words


def test_auto_turns_voxels_into_cubes(dice, tmp_path):
    """`factor: auto` leaves the long side of a voxel alone until the others are as long, and ends at one chunk."""
    array = picture(dice, (300, 280, 40), "uint8")
    write(tmp_path / "v", array, chunk=(32, 32, 32), resolution=(8, 8, 40))
    with serving(tmp_path, {"v": {"source": tmp_path / "v", "factor": "auto"}}) as server:
        scales = info(server, "v")["scales"]
        assert [scale["resolution"] for scale in scales] == [
            [8, 8, 40], [16, 16, 40], [32, 32, 40], [64, 64, 80], [128, 128, 160]]
        assert all(n <= 32 for n in scales[-1]["size"])
        want = steps(array, (0, 0, 0), (2, 2, 1), 2)
        through_tensorstore(server, "v", want + steps(want[-1], (0, 0, 0), (2, 2, 2), 2)[1:])


def test_no_mips_beyond_the_source(dice, shape, tmp_path):
    """`mips: 0` announces what the source has, and nothing more."""
    write(tmp_path / "v", picture(dice, shape, "uint8"))
    with serving(tmp_path, {"v": {"source": tmp_path / "v", "mips": 0}}) as server:
        assert len(info(server, "v")["scales"]) == 1


def test_levels_of_the_source_are_its_own(dice, shape, tmp_path):
    """A source with two levels keeps both, and the third is made of its second."""
    array = picture(dice, shape, "uint8")
    write(tmp_path / "v", array)
    second = 255 - step(array, (0, 0, 0), (2, 2, 1))[0]
    write(tmp_path / "v", second, resolution=(16, 16, 40))
    with serving(tmp_path, {"v": {"source": tmp_path / "v", "mips": 1}}) as server:
        through_tensorstore(server, "v", [array, second, step(second, (0, 0, 0), (2, 2, 1))[0]])


@pytest.mark.parametrize("encoding", ["raw", "jpeg", "png", "compressed_segmentation"])
def test_what_the_source_has_is_passed_byte_for_byte(encoding, dice, shape, tmp_path):
    """A chunk of the source goes to the client as it is in its file."""
    array = labels(dice, shape, "uint64") if encoding == "compressed_segmentation" else picture(dice, shape, "uint8")
    write(tmp_path / "v", array, encoding=encoding, begin=(-5, 0, 2))
    with serving(tmp_path, {"v": {"source": tmp_path / "v"}}) as server:
        for target in targets(server, "v", 0):
            reply = server.get(target)
            assert reply.status == 200
            assert reply.body == (tmp_path / "v" / target.removeprefix("/precomputed/v/")).read_bytes()


def test_a_gzipped_chunk_goes_as_it_is_to_whoever_takes_gzip(dice, shape, tmp_path):
    """A `.gz` file is sent as it is, and inflated for a client without gzip."""
    write(tmp_path / "v", picture(dice, shape, "uint8"), gzipped=True)
    with serving(tmp_path, {"v": {"source": tmp_path / "v"}}) as server:
        target = targets(server, "v", 0)[0]
        packed = (tmp_path / "v" / (target.removeprefix("/precomputed/v/") + ".gz")).read_bytes()
        taken = server.get(target, [("Accept-Encoding", "gzip")])
        assert taken["Content-Encoding"] == "gzip" and taken.body == packed
        assert server.get(target).body == gzip.decompress(packed)


def test_a_chunk_that_the_source_does_not_have_is_empty(dice, shape, tmp_path):
    """A missing chunk is sent as zeros, and counts as zeros in the levels above."""
    array = picture(dice, shape, "uint8")
    write(tmp_path / "v", array)
    missing = chunk_names(json.loads((tmp_path / "v/info").read_bytes())["scales"][0])[1]
    (tmp_path / "v/8_8_40" / missing).unlink()
    array[32:64, :32, :16] = 0
    with serving(tmp_path, {"v": {"source": tmp_path / "v", "mips": 1}}) as server:
        reply = server.get(f"/precomputed/v/8_8_40/{missing}")
        assert reply.status == 200 and not any(reply.body)
        through_tensorstore(server, "v", steps(array, (0, 0, 0), (2, 2, 1), 1))


def test_unknown_members_of_info_are_kept(dice, shape, tmp_path):
    """What the service does not know of an info is passed on."""
    write(tmp_path / "v", picture(dice, shape, "uint8"))
    change_info(tmp_path / "v", lambda info: info.update(note={"by": "hand"}))
    with serving(tmp_path, {"v": {"source": tmp_path / "v"}}) as server:
        assert info(server, "v")["note"] == {"by": "hand"}


def test_the_list_says_what_a_volume_is(dice, shape, tmp_path):
    """/v1/volumes has name, kind, type, shape, and where each mip comes from."""
    write(tmp_path / "v", picture(dice, shape, "uint8"), begin=(-5, 6, 7))
    with serving(tmp_path, {"v": {"source": tmp_path / "v", "mips": 2}}) as server:
        [item] = json.loads(server.get("/v1/volumes").content)
        assert (item["name"], item["kind"], item["dtype"]) == ("v", "image", "uint8")
        assert item["shape"] == list(shape) and item["voxel_offset"] == [-5, 6, 7]
        assert [mip["from"] for mip in item["mips"]] == ["source", "made", "made"]
        assert json.loads(server.get("/v1/volumes/v").content) == item
