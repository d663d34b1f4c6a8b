# SPDX-License-Identifier: Apache-2.0
"""In memory, without a server: our engine on one thread against tinybrain, TensorStore, Pillow, OpenCV and memory."""
import gzip
import io

import cv2
import numpy as np
import tensorstore
import tinybrain
from PIL import Image

from harness import computing, ratio, ratio_and_floor

BIG = (1024, 1024, 100)
FACTORS = {"2x2x1": (2, 2, 1), "2x2x2": (2, 2, 2)}


def noise(shape, dtype, seed=1):
    rng = np.random.default_rng(seed)
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return np.asfortranarray(rng.standard_normal(shape[::-1], dtype).T)
    return np.asfortranarray(rng.integers(0, np.iinfo(dtype).max, shape[::-1], dtype).T)


def real_labels(root, side=512):
    """The demo's neurons, tiled to a cube."""
    a = np.load(io.BytesIO(gzip.decompress((root / "Tests/Data/demo-labels.npy.gz").read_bytes())))
    times = [-(-side // n) for n in a.shape]
    return np.asfortranarray(np.tile(a, times)[:side, :side, :side])


def averaging(a, factor, mips, sparse=False):
    return lambda: computing(lambda: tinybrain.downsample_with_averaging(a, factor, num_mips=mips, sparse=sparse))


def segmentation(a, factor, mips, sparse=False):
    return lambda: computing(lambda: tinybrain.downsample_segmentation(a, factor, num_mips=mips, sparse=sparse))


def store(a, factor, method):
    return lambda: computing(lambda: tensorstore.downsample(tensorstore.array(a), factor, method).read().result())


def rows(kernels, place, root, rounds):
    """Yields the table's rows; `place` is a folder for arrays."""

    def give(a):
        a.ravel(order="K").tofile(place / "array")
        kernels.take(place / "array")
        return a

    for dtype in ("uint8", "uint16", "float32"):
        a = give(noise(BIG, dtype))
        for name, factor in FACTORS.items():
            for mips, sparse, reach in ((1, False, 1 / 2), (5, False, 1 / 4), (1, True, 1 / 4)):
                if sparse and dtype == "float32" and name == "2x2x2":
                    continue  # tinybrain refuses it
                words = f"average {dtype} {name}, {mips} mip{'s' * (mips > 1)}{', sparse' * sparse}"
                yield from ratio_and_floor(words, "tinybrain", reach, kernels.pyramid(a, "average", factor, mips, sparse),
                                           averaging(a, factor, mips, sparse), kernels.floor(a, factor, mips), rounds)
        if dtype == "uint8":
            yield ratio("average uint8 2x2x1, 1 mip", "memcpy of the input", None,
                        kernels.pyramid(a, "average", (2, 2, 1), 1), kernels.copy(), rounds)
            yield ratio("average uint8 2x2x1, 1 mip, two lanes", "reading the input once, two threads", 1.5,
                        kernels.pyramid(a, "average", (2, 2, 1), 1, lanes=2), kernels.sum(2), rounds)
            yield from slice_by_slice(kernels, a, rounds)

    for dtype in ("uint8", "uint32", "uint64"):
        shape = (512, 512, 256) if dtype == "uint8" else (512, 512, 128)
        a = give(noise(shape, dtype) % np.dtype(dtype).type(16))
        for name, factor in FACTORS.items():
            for mips in (1, 4):
                words = f"mode {dtype} {name} random, {mips} mip{'s' * (mips > 1)}"
                yield from ratio_and_floor(words, "tinybrain", 1 / 4, kernels.pyramid(a, "mode", factor, mips),
                                           segmentation(a, factor, mips), kernels.floor(a, factor, mips), rounds)
    labels = real_labels(root)
    for dtype in ("uint8", "uint32", "uint64"):
        a = give(np.asfortranarray(labels.astype(dtype)))
        for name, factor in FACTORS.items():
            yield from ratio_and_floor(f"mode {dtype} {name} neurons 512^3, 1 mip", "tinybrain", 1 / 4,
                                       kernels.pyramid(a, "mode", factor, 1), segmentation(a, factor, 1),
                                       kernels.floor(a, factor, 1), max(2, rounds // 2))
    yield from numpy_paths(kernels, give, max(2, rounds // 2))


def slice_by_slice(kernels, a, rounds):
    """The table of tinybrain's README: as there (slices of an array that is C-ordered in x, y, z), and contiguous."""
    ours = kernels.pyramid(a, "average", (2, 2, 1), 1)
    size = (a.shape[1] // 2, a.shape[0] // 2)
    strided = np.ascontiguousarray(a)
    slices = [np.ascontiguousarray(a[:, :, z]) for z in range(a.shape[2])]

    def opencv(planes):
        return lambda: computing(lambda: [cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in planes])

    def pillow(planes):
        return lambda: computing(lambda: [np.asarray(Image.fromarray(plane).resize(size, Image.BOX)) for plane in planes])

    as_there = [strided[:, :, z] for z in range(a.shape[2])]
    yield ratio("average uint8 2x2x1, 1 mip", "OpenCV, strided slices", 1, ours, opencv(as_there), rounds)
    yield ratio("average uint8 2x2x1, 1 mip", "OpenCV, contiguous slices", 1, ours, opencv(slices), rounds)
    yield ratio("average uint8 2x2x1, 1 mip", "Pillow, strided slices", 1, ours, pillow(as_there), rounds)
    yield ratio("average uint8 2x2x1, 1 mip", "Pillow, contiguous slices", 1, ours, pillow(slices), rounds)


def numpy_paths(kernels, give, rounds):
    """Where tinybrain has no compiled path, and TensorStore has."""
    shape = (512, 512, 64)
    a = give(noise(shape, "uint8"))
    for factor in ((3, 3, 1), (4, 4, 1), (4, 4, 4)):
        words = "average uint8 " + "x".join(map(str, factor))
        yield ratio(words, "tinybrain", 1 / 20, kernels.pyramid(a, "average", factor, 1), averaging(a, factor, 1), rounds)
        yield ratio(words, "tensorstore", 1 / 4, kernels.pyramid(a, "average", factor, 1, precision="exact"),
                    store(a, factor, "mean"), rounds)
    small = give(noise(shape, "uint8") % np.uint8(4))
    yield ratio("mode uint8 2x2x1 sparse", "tinybrain", 1 / 20, kernels.pyramid(small, "mode", (2, 2, 1), 1, sparse=True),
                segmentation(small, (2, 2, 1), 1, True), rounds)
    yield ratio("mode uint8 4x4x1", "tinybrain", 1 / 20, kernels.pyramid(small, "mode", (4, 4, 1), 1),
                segmentation(small, (4, 4, 1), 1), rounds)
    yield ratio("mode uint8 2x2x2, exact", "tensorstore", 1 / 4,
                kernels.pyramid(small, "mode", (2, 2, 2), 1, precision="exact"), store(small, (2, 2, 2), "mode"), rounds)
    yield ratio("median uint8 2x2x2", "tensorstore", 1 / 4, kernels.pyramid(small, "median", (2, 2, 2), 1),
                store(small, (2, 2, 2), "median"), rounds)
    for dtype in ("uint32", "int64"):
        wide = give(noise(shape, dtype) % np.dtype(dtype).type(1000))
        yield from ratio_and_floor(f"average {dtype} 2x2x1, 3 mips", "tinybrain", 1 / 20,
                                   kernels.pyramid(wide, "average", (2, 2, 1), 3), averaging(wide, (2, 2, 1), 3),
                                   kernels.floor(wide, (2, 2, 1), 3), rounds)
        yield ratio(f"average {dtype} 2x2x1, exact", "tensorstore", 1 / 4,
                    kernels.pyramid(wide, "average", (2, 2, 1), 1, precision="exact"), store(wide, (2, 2, 1), "mean"), rounds)
    c_order = noise(shape, "uint8")
    c_order = np.ascontiguousarray(c_order)
    give(c_order)
    yield ratio("average uint8 2x2x2, C order", "tinybrain", 1 / 20,
                kernels.pyramid(c_order, "average", (2, 2, 2), 1, order="C"), averaging(c_order, (2, 2, 2), 1), rounds)
    yield ratio("average uint8 2x2x2, C order", "tensorstore", 1 / 4,
                kernels.pyramid(c_order, "average", (2, 2, 2), 1, order="C", precision="exact"),
                store(c_order, (2, 2, 2), "mean"), rounds)
