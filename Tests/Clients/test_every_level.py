# SPDX-License-Identifier: Apache-2.0
"""
cloud-volume and tensorstore read every level of every kind of volume from a service that was given mip 0 alone.

What a level must hold comes from three places that know nothing of the service: the reference of the live tests,
tensorstore's own downsampling, and tinybrain.
"""
import numpy as np
import pytest
import tensorstore as ts
import tinybrain
from cloudvolume import CloudVolume

from support.arrays import first_difference, same
from support.volumes import info, labels, picture, read, serving, step, steps, write

FACTORS = [(2, 2, 1), (2, 2, 2)]
MIPS = 3
# name: (dtype, channels, what `write` takes)
IMAGES = {
    "u8": ("uint8", 1, {}),
    "u8-odd-offset": ("uint8", 1, dict(begin=(-7, 5, 3))),
    "u16-odd-chunks": ("uint16", 1, dict(chunk=(17, 29, 5), begin=(-70, 13, -5))),
    "f32": ("float32", 1, dict(begin=(1, -1, 1))),
    "rgb": ("uint8", 3, dict(begin=(3, -2, 1))),
    "png": ("uint8", 1, dict(encoding="png")),
    "gzip-files": ("uint8", 1, dict(gzipped=True)),
    "sharded-identity": ("uint8", 1, dict(shards="identity")),
    "sharded-murmur": ("uint16", 1, dict(shards="murmur", begin=(-9, 0, 0))),
}
LABELS = {
    "ids32-raw": ("uint32", dict(begin=(-1, -1, -1))),
    "ids64-raw": ("uint64", {}),
    "ids32": ("uint32", dict(encoding="compressed_segmentation")),
    "ids64": ("uint64", dict(encoding="compressed_segmentation", chunk=(33, 20, 11), begin=(-7, 0, 9))),
    "ids64-identity": ("uint64", dict(encoding="compressed_segmentation", shards="identity")),
    "ids32-murmur": ("uint32", dict(shards="murmur", begin=(2, 4, 6))),
}


def through_cloud_volume(server, name, level):
    volume = CloudVolume(f"precomputed://{server.url}/precomputed/{name}", mip=level, use_https=True, progress=False)
    return np.asarray(volume[volume.bounds])


CLIENTS = {"cloud-volume": through_cloud_volume,
           "tensorstore": lambda server, name, level: read(f"{server.url}/precomputed/{name}", level)}


def expect_levels(server, name, want, close=None):
    assert len(info(server, name)["scales"]) == len(want)
    for level, voxels in enumerate(want):
        for client, get in CLIENTS.items():
            got = get(server, name, level)
            if close is None:
                assert same(got, voxels), (client, level, first_difference(got, voxels))
            else:
                close(got, voxels, client, level)


@pytest.fixture
def shape(dice):
    """Odd sizes: the last chunk and the last box of every axis are cut short."""
    return dice.randrange(71, 110, 2), dice.randrange(41, 80, 2), dice.randrange(19, 40, 2)


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("kind", IMAGES)
def test_both_clients_read_every_level_of_an_image(kind, factor, dice, shape, tmp_path):
    """Every level is the mean of the one below."""
    dtype, channels, options = IMAGES[kind]
    array = picture(dice, (*shape, channels), dtype)
    write(tmp_path / "v", array, **options)
    with serving(tmp_path, {"v": {"source": tmp_path / "v", "factor": factor, "mips": MIPS}}) as server:
        expect_levels(server, "v", steps(array, options.get("begin", (0, 0, 0)), factor, MIPS))


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("kind", LABELS)
def test_both_clients_read_every_level_of_labels(kind, factor, dice, shape, tmp_path):
    """Every level holds the most frequent label of the one below."""
    dtype, options = LABELS[kind]
    array = labels(dice, shape, dtype)
    write(tmp_path / "v", array, **options)
    with serving(tmp_path, {"v": {"source": tmp_path / "v", "factor": factor, "mips": MIPS}}) as server:
        expect_levels(server, "v", steps(array, options.get("begin", (0, 0, 0)), factor, MIPS, "mode"))


def test_both_clients_read_the_same_of_jpeg(dice, shape, tmp_path):
    """A level in JPEG is near the mean of the level below as it is served, and both clients decode it alike."""
    write(tmp_path / "v", picture(dice, shape, "uint8"), encoding="jpeg")
    with serving(tmp_path, {"v": {"source": tmp_path / "v", "mips": MIPS}}) as server:
        for level in range(1, MIPS + 1):
            below = CLIENTS["tensorstore"](server, "v", level - 1)
            want, _ = step(below, (0, 0, 0), (2, 2, 1))
            for client, get in CLIENTS.items():
                apart = np.abs(get(server, "v", level).astype(int) - want)
                assert apart.mean() < 3 and apart.max() < 25, (client, level, apart.mean(), apart.max())


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32"])
def test_exact_averages_are_tensorstore_s_own_mean(dtype, factor, dice, shape, tmp_path):
    """Level by level, by tensorstore's downsampling of the level before."""
    array = picture(dice, shape, dtype)
    write(tmp_path / "v", array, type="image")
    want = [array]
    for _ in range(MIPS):
        want.append(ts.downsample(ts.array(want[-1]), [*factor, 1], "mean").read().result())
    with serving(tmp_path, {"v": {"source": tmp_path / "v", "factor": factor, "mips": MIPS}}) as server:
        expect_levels(server, "v", want)


@pytest.mark.parametrize("factor", FACTORS)
def test_compat_averages_are_one_call_of_tinybrain(factor, dice, tmp_path):
    """`precision: compat` equals the mips of one tinybrain call over the whole of mip 0."""
    array = np.asfortranarray(picture(dice, (192, 160, 32), "uint8"))
    write(tmp_path / "v", array)
    want = [array, *map(np.asarray, tinybrain.downsample_with_averaging(array, (*factor, 1), num_mips=MIPS))]
    settings = {"source": tmp_path / "v", "factor": factor, "mips": MIPS, "precision": "compat"}
    with serving(tmp_path, {"v": settings}) as server:
        expect_levels(server, "v", want)


def test_compat_labels_are_one_call_of_tinybrain(dice, tmp_path):
    """The first level of labels equals tinybrain's."""
    array = np.asfortranarray(labels(dice, (128, 96, 32), "uint64"))
    write(tmp_path / "v", array, encoding="compressed_segmentation")
    [want] = tinybrain.downsample_segmentation(array, (2, 2, 1), num_mips=1)
    with serving(tmp_path, {"v": {"source": tmp_path / "v", "mips": 1, "precision": "compat"}}) as server:
        expect_levels(server, "v", [array, np.asarray(want)])


def test_a_volume_that_cloud_volume_wrote(dice, shape, tmp_path):
    """Its gzipped chunks are read by the service, and its clients read every level of them."""
    array = picture(dice, shape, "uint8")
    place = f"precomputed://file://{tmp_path}/v"
    description = CloudVolume.create_new_info(
        num_channels=1, layer_type="image", data_type="uint8", encoding="raw", resolution=[8, 8, 40],
        voxel_offset=[-3, 4, 5], chunk_size=[32, 32, 16], volume_size=list(shape))
    volume = CloudVolume(place, info=description, progress=False)
    volume.commit_info()
    volume[volume.bounds] = array
    with serving(tmp_path, {"v": {"source": tmp_path / "v", "mips": MIPS}}) as server:
        expect_levels(server, "v", steps(array, (-3, 4, 5), (2, 2, 1), MIPS))
