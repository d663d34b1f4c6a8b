# SPDX-License-Identifier: Apache-2.0
"""Random arrays against tinybrain where it is right, against the reference where it is not, against TensorStore."""
from math import prod

import numpy as np
import pytest
import tensorstore
import tinybrain
from tinybrain import downsample as more_of_tinybrain

import pyramid_reference as reference
import tinybrain_domain as domain
from support.arrays import FORMATS, TYPES, first_difference, levels_of, request, same

FACTORS = [
    (2, 2, 1), (2, 2), (2, 2, 1, 1), (2, 2, 2), (2, 2, 2, 1), (3, 3, 1), (1, 2, 2), (2, 1, 2), (4, 4, 1), (8, 8, 1),
    (4, 4, 4), (2, 1, 1), (4, 2, 1), (3, 2, 1), (5, 3, 2), (1, 1, 3), (2, 2, 1, 2), (4, 4, 2), (7, 1, 2), (2,),
    (1, 1, 1), (1, 1, 1, 2),
]
TINYBRAIN = {
    "average": lambda a, f, n, s: tinybrain.downsample_with_averaging(a, f, num_mips=n, sparse=s),
    "mode": lambda a, f, n, s: tinybrain.downsample_segmentation(a, f, num_mips=n, sparse=s),
    "min": lambda a, f, n, s: more_of_tinybrain.downsample_with_min_pooling(a, f, num_mips=n),
    "max": lambda a, f, n, s: more_of_tinybrain.downsample_with_max_pooling(a, f, num_mips=n),
    "stride": lambda a, f, n, s: tinybrain.downsample_with_striding(a, f, num_mips=n),
}
DOMAIN = {
    "average": domain.average,
    "mode": domain.mode,
    "min": lambda a, f, n, s: domain.extreme(a, f, n),
    "max": lambda a, f, n, s: domain.extreme(a, f, n),
    "stride": lambda a, f, n, s: domain.stride(a, f, n),
}
REFERENCE = {
    "average": reference.averaging,
    "mode": reference.segmentation,
    "median": reference.median,
    "min": lambda a, f, n, s, p: reference.min_pooling(a, f, n),
    "max": lambda a, f, n, s, p: reference.max_pooling(a, f, n),
    "stride": lambda a, f, n, s, p: reference.striding(a, f, n),
}


def values(rng, shape, dtype):
    """Voxels of a kind drawn by lot: anything, few labels, half of it background, the ends of the type's range."""
    dtype, count = np.dtype(dtype), prod(shape)
    kind = rng.choice(["full", "few", "holes", "ends", "blocks"])
    if dtype.kind in "iu":
        lo, hi = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
        a = {
            "full": lambda: rng.integers(lo, hi, count, dtype=dtype, endpoint=True),
            "few": lambda: rng.integers(max(lo, -2), 4, count).astype(dtype),
            "holes": lambda: np.where(rng.random(count) < 0.5, 0, rng.integers(max(lo, -100), 101, count)).astype(dtype),
            "ends": lambda: np.array([lo, hi, hi, hi - 1], dtype)[rng.integers(0, 4, count)],
            "blocks": lambda: np.repeat(rng.integers(0, 100, count // 7 + 1), 7)[:count].astype(dtype),
        }[kind]()
    else:
        a = rng.standard_normal(count) * 100
        if kind in ("holes", "few"):
            a[rng.random(count) < 0.5] = 0
        elif kind == "ends":
            exponents = rng.integers(-149 if dtype.itemsize == 4 else -1074, 60, count)
            a = np.ldexp(rng.standard_normal(count), exponents)
            a[rng.random(count) < 0.02] = np.nan
            a[rng.random(count) < 0.02] = np.inf
        a = a.astype(dtype)
    return np.asfortranarray(a.reshape(shape, order="F"))


def shape_for(rng, factor, voxels):
    """A shape of about `voxels` voxels at most, odd sizes and thin axes among them."""
    rank = int(rng.integers(max(1, min(len(factor), 3)), 6)) if rng.random() < 0.5 else 3
    shape = [1] * rank
    for axis in rng.permutation(rank):
        room = max(1, voxels // prod(shape))
        top = min(room, 1 + int(voxels ** (1 / min(rank, 3)) * 2))
        shape[axis] = int(rng.integers(1, min(top, 4 if axis > 2 else top) + 1))
    if rng.random() < 0.5:
        shape = [n + n % 2 if axis < 3 else n for axis, n in enumerate(shape)]
    return tuple(shape)


def ask(kept, dice, a, **parameters):
    """The levels by any body, any answer, any order."""
    form = dice.choice(FORMATS)
    order = dice.choice("FC")
    content = request(
        a, order=order, body=dice.choice(("raw", "npy")), coding=dice.choice(("identity", "identity", "gzip")),
        framing=dice.choice(("length", "chunked")), format=form, random=dice, **parameters,
    )
    return levels_of(kept(content, unix=dice.random() < 0.3), form)


def compare(got, want, words):
    assert len(got) == len(want), words
    for mip, b in enumerate(want, 1):
        assert same(got[mip], np.asfortranarray(b)), f"mip {mip} of {words}: {first_difference(got[mip], b)}"


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("method", list(TINYBRAIN))
def test_equal_to_tinybrain_inside_its_domain(method, dtype, kept, dice):
    rng = np.random.default_rng(dice.getrandbits(32))
    inside = 0
    for round in range(2000):
        factor = FACTORS[int(rng.integers(len(FACTORS)))]
        mips, sparse = int(rng.integers(1, 6)), bool(rng.integers(2)) and method in ("average", "mode")
        a = values(rng, shape_for(rng, factor, 300_000 if round % 10 == 0 else 5000), dtype)
        if method in ("min", "max") and a.dtype.kind == "f":
            a[a == 0] = 1  # which zero an extreme is, is not promised
        if not DOMAIN[method](a, factor, mips, sparse):
            continue
        want = TINYBRAIN[method](a, factor, mips, sparse)
        if all(e == 1 for e in factor):
            want = [a] * mips
        got = ask(kept, dice, a, method=method, factor=factor, mips=mips, sparse=sparse or None)
        compare(got, want, f"{method} {dtype}{a.shape} by {factor}, {mips} mips, sparse={sparse}")
        inside += 1
        if inside == 40:
            return
    raise AssertionError(f"only {inside} of 2000 random calls were inside the domain")


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("method", list(REFERENCE))
def test_equal_to_the_reference_everywhere(method, dtype, kept, dice):
    rng = np.random.default_rng(dice.getrandbits(32))
    for _ in range(40):
        factor = FACTORS[int(rng.integers(len(FACTORS)))]
        if rng.random() < 0.3:
            factor = tuple(int(e) for e in rng.integers(1, 6, int(rng.integers(1, 6))))
        mips = int(rng.integers(1, 6))
        sparse = bool(rng.integers(2)) and method in ("average", "mode", "median")
        precision = dice.choice(("compat", "exact"))
        a = values(rng, shape_for(rng, factor, 3000), dtype)
        if method in ("min", "max", "median") and a.dtype.kind == "f":
            a[a == 0] = 1
        want = REFERENCE[method](a, factor, mips, sparse, precision) if method in ("average", "mode", "median") \
            else REFERENCE[method](a, factor, mips, sparse, None)
        got = ask(kept, dice, a, method=method, precision=precision, factor=factor, mips=mips, sparse=sparse or None)
        compare(got, want, f"{method} {precision} {dtype}{a.shape} by {factor}, {mips} mips, sparse={sparse}")


@pytest.mark.parametrize("dtype", TYPES)
def test_large_averages_equal_the_reference(dtype, kept, dice):
    """Large enough for many slabs on several lanes, along whichever axis is slowest."""
    rng = np.random.default_rng(dice.getrandbits(32))
    for shape, factor in (((301, 203, 37), (2, 2, 1)), ((129, 70, 131), (2, 2, 2)), ((97, 201, 53), (3, 2, 4))):
        a = values(rng, shape, dtype)
        for precision, sparse in (("compat", False), ("exact", True)):
            want = reference.averaging(a, factor, 4, sparse, precision)
            got = ask(kept, dice, a, precision=precision, factor=factor, mips=4, sparse=sparse)
            compare(got, want, f"average {precision} {dtype}{shape} by {factor}, sparse={sparse}")


@pytest.mark.parametrize("method,name", [
    ("average", "mean"), ("min", "min"), ("max", "max"), ("median", "median"), ("stride", "stride"),
])
def test_exact_equals_tensorstore(method, name, kept, dice):
    """One exact mip is what TensorStore's downsample driver gives: ties to even, clipped boxes."""
    rng = np.random.default_rng(dice.getrandbits(32))
    for dtype in TYPES[:8]:
        for _ in range(6):
            factor = tuple(int(e) for e in rng.integers(1, 5, 3))
            a = values(rng, tuple(int(n) for n in rng.integers(1, 40, 3)), dtype)
            if a.dtype.itemsize == 8 and method == "average":
                a //= 2**20  # TensorStore sums 64-bit integers in 64 bits
            store = tensorstore.downsample(tensorstore.array(a), factor, name)
            want = store.read().result()
            got = ask(kept, dice, a, method=method, precision="exact", factor=factor, mips=1)
            compare(got, [np.asarray(want)], f"{method} {dtype}{a.shape} by {factor}")
