# SPDX-License-Identifier: Apache-2.0
"""Small volumes in Neuroglancer's precomputed format, written by tensorstore, and what their levels must hold."""
import gzip
import io
import json
import os

import numpy as np
import tensorstore as ts

from .arrays import levels_of, request, target
from .process import Server

SHARDS = {
    "identity": {"hash": "identity", "minishard_index_encoding": "gzip", "data_encoding": "gzip"},
    "murmur": {"hash": "murmurhash3_x86_128", "minishard_index_encoding": "raw", "data_encoding": "raw"},
}


def picture(dice, shape, dtype):
    """Random intensities [x, y, z, channel] with some order in them: a JPEG of pure noise says little."""
    rng = np.random.default_rng(dice.getrandbits(32))
    shape = (*shape, 1) if len(shape) == 3 else shape
    waves = sum(np.sin(np.arange(n) / 9).reshape([-1 if a == axis else 1 for a in range(4)])
                for axis, n in enumerate(shape[:3]))
    values = (waves + 3) / 6 + rng.normal(0, 0.02, shape)
    if np.dtype(dtype).kind == "f":
        return (values * 7 - 2).astype(dtype)
    limits = np.iinfo(dtype)
    span = float(limits.max) - float(limits.min)
    return (np.clip(values, 0, 0.999) * span + limits.min).astype(dtype)


def labels(dice, shape, dtype):
    """Labels [x, y, z, 1] in small cells, 0 and the largest one among them."""
    rng = np.random.default_rng(dice.getrandbits(32))
    known = rng.integers(0, np.iinfo(dtype).max, 30, dtype, endpoint=True)
    known[:2] = 0, np.iinfo(dtype).max
    cells = known[rng.integers(0, 30, [-(-n // 3) for n in shape])]
    for axis in range(3):
        cells = np.repeat(cells, 3, axis)
    noise = known[rng.integers(0, 30, shape)]
    cells = cells[tuple(map(slice, shape))]
    return np.where(rng.random(shape) < 0.2, noise, cells)[..., None]


def write(path, array, *, begin=(0, 0, 0), chunk=(32, 32, 16), encoding="raw", shards=None, resolution=(8, 8, 40),
          gzipped=False, **members):
    """Writes level 0 into the folder `path`: [x, y, z, channel]; gives the path back."""
    array = array[..., None] if array.ndim == 3 else array
    scale = {"size": array.shape[:3], "voxel_offset": begin, "chunk_size": chunk, "encoding": encoding,
             "resolution": resolution, "key": "_".join(map(str, resolution))}
    if encoding == "compressed_segmentation":
        scale["compressed_segmentation_block_size"] = (8, 8, 8)
    if shards:
        scale["sharding"] = {"@type": "neuroglancer_uint64_sharded_v1", "preshift_bits": 1, "minishard_bits": 2,
                             "shard_bits": 1, **SHARDS[shards]}
    kind = members.pop("type", "segmentation" if array.dtype in (np.uint32, np.uint64) else "image")
    store = ts.open({
        "driver": "neuroglancer_precomputed", "kvstore": {"driver": "file", "path": f"{path}/"},
        "multiscale_metadata": {"type": kind, "data_type": array.dtype.name, "num_channels": array.shape[3]},
        "scale_metadata": scale,
    }, create=True).result()
    # Zeros are chunks like any other: the folder holds all of them.
    with ts.Transaction() as transaction:
        store.with_transaction(transaction)[...] = array
    if gzipped:
        for file in (path / scale["key"]).iterdir():
            file.with_name(file.name + ".gz").write_bytes(gzip.compress(file.read_bytes()))
            file.unlink()
    return path


def change_info(path, change):
    """Rewrites `info` with what `change` does to it."""
    info = json.loads((path / "info").read_bytes())
    change(info)
    (path / "info").write_text(json.dumps(info))


def read(place, level=0):
    """A level [x, y, z, channel] through tensorstore, from a URL or a folder."""
    kvstore = {"driver": "file", "path": f"{place}/"}
    if str(place).startswith("http"):
        base, _, path = str(place).partition("//")[2].partition("/")
        kvstore = {"driver": "http", "base_url": f"http://{base}", "path": f"/{path}/"}
    store = ts.open({"driver": "neuroglancer_precomputed", "kvstore": kvstore, "scale_index": level,
                     "recheck_cached_data": True}, open=True).result()
    return store.read().result()


def step(array, begin, factor, method="average"):
    """
    One exact step, and where it begins: [x, y, z, channel].

    Boxes are aligned to coordinate 0, not to the volume; a box holds what of it lies in the volume, x fastest.
    """
    factor, begin = (*factor, 1), (*begin, 0)
    low = [b // f for b, f in zip(begin, factor)]
    high = [-(-(b + n) // f) for b, n, f in zip(begin, array.shape, factor)]
    margins = [(b - l * f, h * f - b - n) for b, n, f, l, h in zip(begin, array.shape, factor, low, high)]
    counts = [h - l for l, h in zip(low, high)]

    def boxes(voxels):
        split = np.pad(voxels, margins).reshape([n for pair in zip(counts, factor) for n in pair])
        return split.transpose(0, 2, 4, 6, 7, 5, 3, 1).reshape(*counts, -1)

    voxels, inside = boxes(array), boxes(np.ones(array.shape, bool))
    return {"average": _mean, "mode": _mode, "min": _least, "max": _most}[method](voxels, inside), low[:3]


def _mean(voxels, inside):
    """Half goes to even; floats are added one after another."""
    count = inside.sum(-1)
    if voxels.dtype.kind == "f":
        total = np.zeros(count.shape)
        for index in range(voxels.shape[-1]):
            total = np.where(inside[..., index], total + voxels[..., index].astype(np.float64), total)
        return (total / count).astype(voxels.dtype)
    assert voxels.dtype.itemsize < 8
    total = np.where(inside, voxels, 0).astype(np.int64).sum(-1)
    whole, rest = np.divmod(total, count)
    return (whole + ((2 * rest > count) | ((2 * rest == count) & (whole % 2 == 1)))).astype(voxels.dtype)


def _mode(voxels, inside):
    """The most frequent one; of several the one that comes first."""
    best, most = np.zeros(voxels.shape[:-1], voxels.dtype), np.zeros(voxels.shape[:-1], int)
    for index in range(voxels.shape[-1]):
        this = voxels[..., index]
        count = ((voxels == this[..., None]) & inside).sum(-1)
        better = inside[..., index] & (count > most)
        best, most = np.where(better, this, best), np.where(better, count, most)
    return best


def _least(voxels, inside):
    return np.where(inside, voxels, voxels.dtype.type(np.iinfo(voxels.dtype).max)).min(-1)


def _most(voxels, inside):
    return np.where(inside, voxels, voxels.dtype.type(np.iinfo(voxels.dtype).min)).max(-1)


def steps(array, begin, factor, count, method="average"):
    """Level 0 and `count` more, each one exact step of the one before."""
    found = [array]
    for _ in range(count):
        array, begin = step(array, begin, factor, method)
        found.append(array)
    return found


def posted(server, array, **parameters):
    """One exact step of an array by `POST /v1/pyramid`."""
    with server.connect() as wire:
        wire.send(request(array, precision="exact", mips=1, format="npy", **parameters))
        return levels_of(wire.read(), "npy")[1]


def serving(tmp_path, volumes, *arguments, settings=""):
    """A server of configured volumes, `{name: {setting: value}}`, that keeps what it makes in `tmp_path/data`."""
    return Server("--data", str(tmp_path / "data"), *arguments, config=settings + configuration(volumes))


def configuration(volumes):
    words = {name: {key: str(value) if key == "source" else value for key, value in settings.items()}
             for name, settings in volumes.items()}
    # JSON is YAML.
    return "volumes: " + json.dumps(words) + "\n"


def info(server, name):
    reply = server.get(f"/precomputed/{name}/info")
    assert reply.status == 200, reply.body
    return json.loads(reply.content)


def chunk_names(scale):
    """The names of all chunks of a scale."""
    axes = []
    for axis in range(3):
        begin, size, chunk = scale["voxel_offset"][axis], scale["size"][axis], scale["chunk_sizes"][0][axis]
        axes.append([f"{begin + at}-{begin + min(at + chunk, size)}" for at in range(0, size, chunk)])
    return [f"{x}_{y}_{z}" for z in axes[2] for y in axes[1] for x in axes[0]]


def targets(server, name, level):
    """The targets of all chunks of a level."""
    scale = info(server, name)["scales"][level]
    return [f"/precomputed/{name}/{scale['key']}/{chunk}" for chunk in chunk_names(scale)]


def kept(tmp_path, name):
    """The files that are kept of a volume's made levels, but for its `info`: {key: bytes}."""
    root = tmp_path / "data/levels" / name
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*")
            if path.is_file() and path.name != "info" and ".tmp" not in path.parts}


def upload_bytes(name, array, *, fields=(), **parameters):
    """The bytes of a PUT of `array` as the volume `name`; parameters as those of `request`."""
    post = request(array, fields=fields, **parameters)
    return post.replace(b"POST /v1/pyramid", f"PUT /v1/volumes/{name}".encode(), 1)


def upload(server, name, array, **options):
    """The answer to a PUT of `array`."""
    with server.connect() as wire:
        wire.send(upload_bytes(name, array, **options))
        return wire.read("PUT")


def cutout(server, name, mip=0, **parameters):
    """A box of a level as an array."""
    reply = server.get(target(f"/v1/volumes/{name}/cutout", mip=mip, **parameters))
    assert reply.status == 200, (reply.status, reply.body[:300])
    return np.load(io.BytesIO(reply.content), allow_pickle=False)


def remains(data):
    """The files of uploads below a data folder."""
    # os.walk, since folders may go while they are read.
    return {os.path.join(folder, file) for folder, _, files in os.walk(data / "volumes") for file in files}
