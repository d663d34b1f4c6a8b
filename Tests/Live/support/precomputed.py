# SPDX-License-Identifier: Apache-2.0
"""Arrays as volumes in Neuroglancer's precomputed format, for the service to take as sources."""
import itertools
import json


def write_raw(folder, array, *, kind="image", resolution=(8, 8, 8), voxel_offset=(0, 0, 0), chunk=(64, 64, 64)):
    """Writes `array`, of axes x, y, z and perhaps channel, as a volume of one scale of raw chunks."""
    if array.ndim == 3:
        array = array[..., None]
    key = "_".join(map(str, resolution))
    scale = {
        "key": key, "size": list(array.shape[:3]), "voxel_offset": list(voxel_offset), "resolution": list(resolution),
        "chunk_sizes": [list(chunk)], "encoding": "raw",
    }
    info = {"@type": "neuroglancer_multiscale_volume", "type": kind, "data_type": array.dtype.name, "num_channels": array.shape[3], "scales": [scale]}
    (folder / key).mkdir(parents=True)
    (folder / "info").write_text(json.dumps(info))
    for begin in itertools.product(*(range(0, size, step) for size, step in zip(array.shape, chunk))):
        end = [min(at + step, size) for at, step, size in zip(begin, chunk, array.shape)]
        name = "_".join(f"{a + o}-{b + o}" for a, b, o in zip(begin, end, voxel_offset))
        part = array[tuple(slice(a, b) for a, b in zip(begin, end))]
        (folder / key / name).write_bytes(part.astype(array.dtype.newbyteorder("<"), copy=False).tobytes(order="F"))
