# SPDX-License-Identifier: Apache-2.0
"""
What people serve volumes with that lack mips: Neuroglancer's Python LocalVolume, which downsamples on the fly.

    localvolume_app.py ARRAY.npy image|segmentation      prints "PORT KEY" once it serves, until its input ends
"""
import sys
from urllib.parse import urlsplit

import neuroglancer
import numpy as np

array, kind = np.load(sys.argv[1]), sys.argv[2]
neuroglancer.set_server_bind_address("127.0.0.1")
space = neuroglancer.CoordinateSpace(names=["x", "y", "z"], units="nm", scales=[8, 8, 8])
# npz is its default, and the only encoding of it that a browser shows rightly.
volume = neuroglancer.LocalVolume(np.ascontiguousarray(array), dimensions=space, volume_type=kind, encoding="npz")
viewer = neuroglancer.Viewer()
layer = {"image": neuroglancer.ImageLayer, "segmentation": neuroglancer.SegmentationLayer}[kind]
with viewer.txn() as state:
    state.layers["layer"] = layer(source=volume)
print(urlsplit(viewer.get_viewer_url()).port, viewer.volume_manager.get_volume_key(volume), flush=True)
sys.stdin.read()
