# SPDX-License-Identifier: Apache-2.0
"""
Writes Tests/VolumesTests/ShardFixtures.swift: small sharded volumes as tensorstore stores them.

    make_shards.py > Tests/VolumesTests/ShardFixtures.swift

Needs tensorstore and numpy (Tests/requirements.txt). Voxel (x, y, z) is 1 + (x + 7 y + 31 z) % 255; some chunks are
all 0, so that tensorstore leaves them out.
"""
import tempfile
from pathlib import Path

import numpy as np
import tensorstore as ts

SIZE, OFFSET, CHUNK = (11, 9, 5), (-3, 7, 100), (4, 4, 2)
SPECS = [
    ("identity", 0, 1, 2),
    ("identity", 2, 0, 0),
    ("murmurhash3_x86_128", 1, 2, 1),
    ("murmurhash3_x86_128", 0, 0, 5),
]


def voxels():
    x, y, z = np.meshgrid(*[np.arange(n) for n in SIZE], indexing="ij")
    a = (1 + (x + 7 * y + 31 * z) % 255).astype(np.uint8)
    a[4:8, :4, 2:4] = 0
    return a


def stored(hash_name, preshift, minishard_bits, shard_bits):
    with tempfile.TemporaryDirectory() as folder:
        spec = {
            "driver": "neuroglancer_precomputed",
            "kvstore": {"driver": "file", "path": folder + "/"},
            "multiscale_metadata": {"type": "image", "data_type": "uint8", "num_channels": 1},
            "scale_metadata": {
                "key": "k",
                "size": SIZE,
                "voxel_offset": OFFSET,
                "resolution": [8, 8, 40],
                "chunk_size": CHUNK,
                "encoding": "raw",
                "sharding": {
                    "@type": "neuroglancer_uint64_sharded_v1",
                    "hash": hash_name,
                    "preshift_bits": preshift,
                    "minishard_bits": minishard_bits,
                    "shard_bits": shard_bits,
                    "minishard_index_encoding": "raw",
                    "data_encoding": "raw",
                },
            },
        }
        store = ts.open(spec, create=True, dtype=ts.uint8).result()
        store[...].write(voxels()[..., None]).result()
        info = (Path(folder) / "info").read_text()
        return info, {p.name: p.read_bytes() for p in sorted((Path(folder) / "k").iterdir())}


def write_lines(text, indent, width=80):
    """Lines of a Swift text that means one line. None of the texts has a backslash or three quotes in a row."""
    for i in range(0, len(text), width):
        print(indent + text[i : i + width] + "\\" * (i + width < len(text)))


def main():
    print("// SPDX-License-Identifier: Apache-2.0\n")
    print("// Written by Tests/Data/make_shards.py with tensorstore; not by hand.")
    print("struct ShardFixture: Sendable {")
    print("    /// As tensorstore wrote it.\n    let info: String")
    print("    /// Names of files, and their bytes in hexadecimal.\n    let files: [String: String]\n")
    print("    static let all: [ShardFixture] = [")
    for spec in SPECS:
        info, files = stored(*spec)
        print('        ShardFixture(\n            info:\n                """')
        write_lines(info.strip(), 16 * " ")
        print('                """,\n            files: [')
        for name, data in files.items():
            print(f'                "{name}":\n                    """')
            write_lines(data.hex(), 20 * " ")
            print('                    """,')
        print("            ]\n        ),")
    print("    ]\n}")


if __name__ == "__main__":
    main()
