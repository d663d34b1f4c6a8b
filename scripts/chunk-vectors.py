#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Prints what TensorStore makes of label chunks: the table in Tests/ChunkCodecsTests/SegmentationVectorTests.swift.

    .venv/bin/python scripts/chunk-vectors.py

The labels come from a formula that the test has too, so that only lengths and checksums need to be kept.
"""
import itertools
import sys
import tempfile
import zlib
from pathlib import Path

import numpy as np
import tensorstore

EXTENTS = [(8, 8, 8), (5, 3, 2), (1, 1, 1), (33, 17, 9), (64, 64, 3)]
BLOCKS = [(8, 8, 8), (4, 2, 2), (5, 7, 3)]
# Distinct labels, more or less.
SPREADS = [1, 2, 5, 20, 400]


def labels(extent, channels, spread, dtype):
    """Labels of patches, with single voxels strewn over them; x, y, z, channel."""
    x, y, z, c = np.indices((*extent, channels), dtype=np.uint64)
    u = np.uint64
    patch = (x // u(3) + u(5) * (y // u(4)) + u(11) * (z // u(2)) + u(17) * c) % u(spread)
    stray = (u(7) * x + u(13) * y + u(29) * z) % u(31) == 0
    if spread > 1:
        patch = np.where(stray, (patch + x) % u(spread), patch)
    return ((patch + u(1)) * u(0x9E3779B97F4A7C15)).astype(dtype)


def encoded(voxels, block):
    """The bytes of the only chunk of a volume."""
    extent = list(voxels.shape[:3])
    with tempfile.TemporaryDirectory() as folder:
        store = tensorstore.open({
            "driver": "neuroglancer_precomputed",
            "kvstore": {"driver": "file", "path": folder + "/"},
            "multiscale_metadata": {
                "num_channels": voxels.shape[3], "type": "segmentation", "data_type": voxels.dtype.name,
            },
            "scale_metadata": {
                "key": "s", "size": extent, "chunk_size": extent, "resolution": [1, 1, 1],
                "encoding": "compressed_segmentation", "compressed_segmentation_block_size": list(block),
            },
        }, create=True).result()
        store.write(voxels).result()
        return (Path(folder) / "s" / "_".join(f"0-{side}" for side in extent)).read_bytes()


def main():
    cases = itertools.product(["uint32", "uint64"], EXTENTS, BLOCKS, SPREADS)
    for index, (dtype, extent, block, spread) in enumerate(cases):
        # One of four: enough of each, and a table that can be read.
        if index % 4 != 0:
            continue
        channels = 1 + index // 4 % 3
        chunk = encoded(labels(extent, channels, spread, dtype), block)
        print(f"        Vector(.{dtype}, {channels}, {extent}, {block}, {spread}, {len(chunk)}, 0x{zlib.crc32(chunk):08X}),")


if __name__ == "__main__":
    sys.exit(main())
