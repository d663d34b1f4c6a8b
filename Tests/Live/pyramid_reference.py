# SPDX-License-Identifier: Apache-2.0
"""
Reference implementation of the pyramid service semantics.

Plain numpy, written from the behavioural specification; slow on purpose where
slow is clearer.  Every public function takes an array of up to five axes
(x, y, z, channel, time), a factor, and returns a list of `num_mips` new
Fortran-ordered arrays [mip 1, mip 2, ...] of the input's dtype and rank.

    averaging(img, factor, num_mips=1, sparse=False, mode="compat"|"exact")
    segmentation(img, factor, num_mips=1, sparse=False, mode="compat"|"exact")
    median(img, factor, num_mips=1, sparse=False, mode="compat"|"exact")
    max_pooling / min_pooling / striding (img, factor, num_mips=1)

Memory order of the input never changes a result.
"""
from math import gcd, prod

import numpy as np

RANK = 5
INT_TYPES = tuple(np.dtype(t) for t in
                  ("u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8"))
FLOAT_TYPES = tuple(np.dtype(t) for t in ("f4", "f8"))


class FactorError(ValueError):
    """factor or num_mips is not acceptable."""


# --------------------------------------------------------------------------
# plumbing
# --------------------------------------------------------------------------

def _admit(img, factor, num_mips, types):
    """Check the arguments; return (5-D native view of img, 5-entry factor)."""
    img = np.asarray(img)
    if not 1 <= img.ndim <= RANK:
        raise ValueError("1 to 5 axes")
    dtype = img.dtype.newbyteorder("=")
    if dtype not in types:
        raise TypeError(f"dtype {img.dtype} is not supported here")
    if num_mips != int(num_mips) or num_mips < 0:
        raise FactorError("num_mips must be an integer >= 0")
    entries = list(factor)
    if not 1 <= len(entries) <= RANK:
        raise FactorError("factor has 1 to 5 entries")
    for e in entries:
        if e != int(e) or e < 1:
            raise FactorError(f"factor entries are integers >= 1, got {e}")
    f = tuple(int(e) for e in entries) + (1,) * (RANK - len(entries))
    full = img.astype(dtype, copy=False).reshape(img.shape + (1,) * (RANK - img.ndim))
    return full, f


def _deliver(images, rank):
    """Back to the caller's rank; fresh Fortran-ordered arrays."""
    return [np.array(m.reshape(m.shape[:rank]), order="F", copy=True) for m in images]


def out_size(n, f):
    return -(-n // f)


def _boxes(a, f, fill=None):
    """
    Group `a` into boxes of size `f`.  Result shape: out_shape + (box volume,),
    the box axis running x fastest, then y, z, channel, time.  Places beyond
    the array are filled with the edge voxel (fill=None) or with `fill`.
    """
    n = a.shape
    o = tuple(out_size(s, e) for s, e in zip(n, f))
    if 0 in o:
        return np.empty(o + (prod(f),), a.dtype)
    for axis, (q, e, s) in enumerate(zip(o, f, n)):
        place = np.arange(q * e)
        a = a.take(np.minimum(place, s - 1), axis=axis)      # repeat the edge voxel
        if fill is not None:
            a[(slice(None),) * axis + (place >= s,)] = fill
    split = a.reshape([v for q, e in zip(o, f) for v in (q, e)])
    outer = [2 * i for i in range(RANK)]
    inner = [2 * i + 1 for i in reversed(range(RANK))]
    return split.transpose(outer + inner).reshape(o + (prod(f),))


def _inside(shape, f):
    """Which places of each box lie inside the array."""
    return _boxes(np.ones(shape, bool), f, fill=False)


def _z_fastest(f):
    """Indices into a box (x-fastest numbering) visited with the last axis fastest."""
    idx = np.arange(prod(f)).reshape(tuple(reversed(f)))
    return idx.transpose(tuple(reversed(range(RANK)))).ravel()


def _fit(f, shape):
    """Factors longer than the array act as the array's own length."""
    return tuple(min(e, max(n, 1)) for e, n in zip(f, shape))


def _is_nonzero(a):
    return a != 0


# --------------------------------------------------------------------------
# edge weights shared by every compat average
# --------------------------------------------------------------------------

def _axis_weights(n, f):
    """
    Weights of the n entries along one axis for one reduction by f, and the
    total weight of every box.  Full boxes and the clipped last box get the
    same total, so a clipped box is averaged over what it has and nothing
    darkens: f=2, n odd -> weights 1,1,...,1,2 and total 2.
    """
    o = out_size(n, f)
    if o <= 1:                       # only one box: nothing to balance
        return [1] * n, max(n, 1)
    r = n - (o - 1) * f              # entries in the last box
    total = f * r // gcd(f, r)
    w = [total // f] * ((o - 1) * f) + [total // r] * r
    return w, total


def _weights(shape, f):
    w = np.array(1, dtype=object)
    total = 1
    for axis, (n, e) in enumerate(zip(shape, f)):
        ws, t = _axis_weights(n, e)
        total *= t
        line = np.array(ws, dtype=object).reshape([-1 if i == axis else 1 for i in range(RANK)])
        w = w * line
    return np.broadcast_to(w, shape), total


# --------------------------------------------------------------------------
# averaging: integers
# --------------------------------------------------------------------------

def _family(f):
    if f == (2, 2, 1, 1, 1):
        return "2x2x1"
    if f == (2, 2, 2, 1, 1):
        return "2x2x2"
    return "other"


def truncation_period(dtype, f):
    """After how many mips compat averaging restarts from the rounded image."""
    size = np.dtype(dtype).itemsize
    if size >= 4:
        return 1
    return {"2x2x1": 4, "2x2x2": {1: 8, 2: 5}[size], "other": None}[_family(f)]


def _trunc_div(a, d):
    return np.where(a < 0, -((-a) // d), a // d)


def _int_sum(boxes):
    """Exact sum over the last axis; int64 where that is safe, else Python ints."""
    if boxes.dtype != object:
        return boxes.sum(axis=-1, dtype=np.int64)
    return boxes.sum(axis=-1) if boxes.shape[-1] else boxes


def _scaled(a, w, bits):
    """a * w exactly, in int64 if `bits` magnitude bits suffice, else Python ints."""
    if bits <= 62:
        return a.astype(np.int64) * w.astype(np.int64)
    return a.astype(object) * w


def _average_int_compat(img, f, num_mips, sparse):
    dtype = img.dtype
    period = None if sparse else truncation_period(dtype, f)
    bits0 = dtype.itemsize * 8
    acc, den, bits = img, 1, bits0
    if sparse:
        den = _is_nonzero(img)
    mips = []
    for k in range(1, num_mips + 1):
        w, total = _weights(acc.shape, f)
        bits += total.bit_length()
        g = _fit(f, acc.shape)
        acc = _int_sum(_boxes(_scaled(acc, w, bits), g, fill=0))
        if sparse:
            den = _int_sum(_boxes(_scaled(den, w, bits), g, fill=0))
            q = _trunc_div(acc, np.where(den == 0, 1, den))
        else:
            den = den * total
            q = _trunc_div(acc, den)
        out = q.astype(dtype)
        mips.append(out)
        if period and k % period == 0:
            acc, den, bits = out, 1, bits0
    return mips


def _average_int_exact(img, f, num_mips, sparse):
    dtype = img.dtype
    acc = img.astype(object if dtype.itemsize == 8 else np.int64)
    cnt = _is_nonzero(img).astype(np.int64) if sparse else np.ones(img.shape, np.int64)
    mips = []
    for _ in range(num_mips):
        g = _fit(f, acc.shape)
        acc = _int_sum(_boxes(acc, g, fill=0))
        cnt = _int_sum(_boxes(cnt, g, fill=0))
        d = np.where(cnt == 0, 1, cnt)
        q = acc // d                      # floor
        r = acc - q * d                   # 0 <= r < d
        up = (2 * r > d) | ((2 * r == d) & (q % 2 == 1))
        mips.append((q + up.astype(np.int64)).astype(dtype))
    return mips


# --------------------------------------------------------------------------
# averaging: floats
# --------------------------------------------------------------------------

def _ordered_sum(boxes, inside, order, kind):
    """((+0 + v0) + v1) + ... in `kind`, skipping places outside the array."""
    s = np.zeros(boxes.shape[:-1], kind)
    with np.errstate(all="ignore"):
        for i in order:
            s = np.where(inside[..., i], s + boxes[..., i].astype(kind), s)
    return s


def _first_sum(boxes, inside, kind):
    """Like _ordered_sum in x-fastest order, but starting from the first voxel
    itself (so that a box of -0.0 keeps its sign)."""
    s = boxes[..., 0].astype(kind)
    with np.errstate(all="ignore"):
        for i in range(1, boxes.shape[-1]):
            s = np.where(inside[..., i], s + boxes[..., i].astype(kind), s)
    return s


def _rescue(value, acc, prev_out, prev_weight, f, kind):
    """
    Where the running sum left the finite range, recompute the mean in float64
    from the previous mip's values, scaling before adding.
    """
    bad = ~np.isfinite(acc)
    if not bad.any():
        return value
    out = _boxes(prev_out.astype(np.float64), f, fill=0)
    wgt = _boxes(prev_weight.astype(np.float64), f, fill=0)
    tot = np.zeros(wgt.shape[:-1], np.float64)
    for i in range(wgt.shape[-1]):
        tot = tot + wgt[..., i]
    tot = np.where(tot == 0, 1, tot)
    m = np.zeros(tot.shape, np.float64)
    with np.errstate(all="ignore"):
        for i in range(out.shape[-1]):
            m = np.where(wgt[..., i] > 0, m + out[..., i] * (wgt[..., i] / tot), m)
        return np.where(bad, m.astype(kind), value)


def _float_weight(shape, f):
    w, total = _weights(shape, f)
    return w.astype(np.float64), total


def _average_float_once(img, f, sparse):
    """2x2x1 and 2x2x2 when exactly one mip is asked for: float64 sums."""
    kind = img.dtype
    boxes, inside = _boxes(img, f, fill=0), _inside(img.shape, f)
    s = _first_sum(boxes, inside, np.float64)
    live = inside & _is_nonzero(boxes) if sparse else inside
    n = live.sum(axis=-1)
    with np.errstate(all="ignore"):
        v = (s / np.maximum(n, 1)).astype(kind)
    weight = _is_nonzero(img) if sparse else np.ones(img.shape)
    return [_rescue(v, s, img, weight, f, kind)]


def _average_float_carry(img, f, num_mips, sparse):
    """2x2x1 and 2x2x2 when two or more mips are asked for: sums in the image's
    own type are carried from mip to mip, never rounded to a mean in between."""
    kind = img.dtype
    lanes = {4: 8, 8: 4}[kind.itemsize]
    acc, out = img, img
    cnt = _is_nonzero(img).astype(np.int64) if sparse else np.ones(img.shape, np.int64)
    mips = []
    with np.errstate(all="ignore"):
        for k in range(1, num_mips + 1):
            boxes, inside = _boxes(acc, f, fill=0), _inside(acc.shape, f)
            s = _ordered_sum(boxes, inside, range(prod(f)), kind)
            if _family(f) == "2x2x1":
                # column-first additions in the leading multiple-of-`lanes` part
                # of each row (x width taken at the level being read)
                lead = (acc.shape[0] // lanes) * lanes // 2
                both = inside.all(axis=-1)
                cols = (boxes[..., 0] + boxes[..., 2]) + (boxes[..., 1] + boxes[..., 3])
                ox = np.arange(s.shape[0]).reshape(-1, 1, 1, 1, 1)
                s = np.where(both & (ox < lead), cols, s)
            # clipped boxes (odd edges) weigh as much as full ones
            w, _ = _float_weight(acc.shape, f)
            head = _boxes(w, f, fill=0)[..., 0]
            s = (s * head.astype(kind)).astype(kind)
            prev = cnt
            cnt = _int_sum(_boxes(cnt, f, fill=0)) * head.astype(np.int64)
            v = s / np.where(cnt == 0, 1, cnt).astype(kind)
            v = np.where(cnt == 0, np.zeros((), kind), v).astype(kind)
            out = _rescue(v, s, out, prev, f, kind)
            mips.append(out)
            acc = s
    return mips


def _average_float_other(img, f, num_mips):
    """Any other factor: each mip is the mean of the previous mip's values."""
    kind = img.dtype
    mips = []
    for _ in range(num_mips):
        g = _fit(f, img.shape)
        boxes, inside = _boxes(img, g, fill=0), _inside(img.shape, g)
        s = _ordered_sum(boxes, inside, _z_fastest(g), kind)
        with np.errstate(all="ignore"):
            v = (s.astype(np.float64) / np.maximum(inside.sum(axis=-1), 1)).astype(kind)
        img = _rescue(v, s, img, np.ones(img.shape), g, kind)
        mips.append(img)
    return mips


def _average_float_other_sparse(img, f, num_mips):
    """Any other factor, sparse: sums and counts are both carried."""
    kind = img.dtype
    acc, out = img, img
    cnt = _is_nonzero(img).astype(np.float64)
    mips = []
    with np.errstate(all="ignore"):
        for k in range(1, num_mips + 1):
            g = _fit(f, acc.shape)
            inside, order = _inside(acc.shape, g), _z_fastest(g)
            # a clipped box weighs as much as a full one
            head = float(prod(f)) / np.maximum(inside.sum(axis=-1), 1).astype(np.float64)
            # the first mip adds in the image's own type, later ones in float64
            s = _ordered_sum(_boxes(acc, g, fill=0), inside, order,
                             kind if k == 1 else np.float64).astype(np.float64)
            n = _ordered_sum(_boxes(cnt, g, fill=0), inside, order, np.float64)
            v = np.where(n == 0, 0, s / np.where(n == 0, 1, n)).astype(kind)
            out = _rescue(v, s, out, cnt, g, kind)
            mips.append(out)
            acc, cnt = s * head, n * head
    return mips


def _average_float_exact(img, f, num_mips, sparse):
    kind = img.dtype
    acc, out = img.astype(np.float64), img
    cnt = _is_nonzero(img).astype(np.int64) if sparse else np.ones(img.shape, np.int64)
    mips = []
    for _ in range(num_mips):
        prev = cnt
        g = _fit(f, acc.shape)
        inside = _inside(acc.shape, g)
        acc = _ordered_sum(_boxes(acc, g, fill=0), inside, range(prod(g)), np.float64)
        cnt = _int_sum(_boxes(cnt, g, fill=0))
        with np.errstate(all="ignore"):
            v = np.where(cnt == 0, 0, acc / np.where(cnt == 0, 1, cnt)).astype(kind)
        out = _rescue(v, acc, out, prev, g, kind)
        mips.append(out)
    return mips


def averaging(img, factor, num_mips=1, sparse=False, mode="compat"):
    if mode not in ("compat", "exact"):
        raise ValueError("mode is 'compat' or 'exact'")
    rank = np.ndim(img)
    img, f = _admit(img, factor, num_mips, INT_TYPES + FLOAT_TYPES)
    if prod(f) == 1:
        mips = [img] * num_mips
    elif img.dtype in INT_TYPES:
        mips = (_average_int_exact if mode == "exact" else _average_int_compat)(
            img, f, num_mips, sparse)
    elif mode == "exact":
        mips = _average_float_exact(img, f, num_mips, sparse)
    elif _family(f) == "other":
        mips = (_average_float_other_sparse if sparse else _average_float_other)(
            img, f, num_mips)
    elif num_mips == 1:
        mips = _average_float_once(img, f, sparse)
    else:
        mips = _average_float_carry(img, f, num_mips, sparse)
    return _deliver(mips, rank)


# --------------------------------------------------------------------------
# segmentation
# --------------------------------------------------------------------------

LABEL_TYPES = INT_TYPES + FLOAT_TYPES + (np.dtype(bool),)


def _as_bits(img):
    """Labels are compared as bit patterns."""
    return img.view(np.dtype(f"u{img.dtype.itemsize}"))


def _pow2(v):
    return v & (v - 1) == 0


def _first_mode(v, live):
    """
    v, live: (..., n).  Most frequent live label; among equals the one that
    appears first along the last axis; 0 where nothing is live.
    """
    n = v.shape[-1]
    best = np.zeros(v.shape[:-1], v.dtype)
    most = np.zeros(v.shape[:-1], np.int64)
    for i in range(n):
        c = ((v == v[..., i:i + 1]) & live).sum(axis=-1)
        take = live[..., i] & (c > most)
        best = np.where(take, v[..., i], best)
        most = np.where(take, c, most)
    return best


def _step_cube_fast(a, sparse):
    """One 2x2x2 reduction, the rule of the plain (2,2,2) factor."""
    v = _boxes(a, (2, 2, 2, 1, 1))
    live = _is_nonzero(v) if sparse else np.ones(v.shape, bool)
    return _first_mode(v, live)


def _step_cube_countless(a):
    """One 2x2x2 reduction inside a larger cubic factor (non-sparse)."""
    v = _boxes(a, (2, 2, 2, 1, 1))[..., _z_fastest((2, 2, 2, 1, 1))]
    everywhere = np.ones(v.shape, bool)
    top = _first_mode(v, everywhere)
    top_count = (v == top[..., None]).sum(axis=-1)
    head = v[..., :7]
    pair = _first_mode(head, everywhere[..., :7])
    pair_count = (head == pair[..., None]).sum(axis=-1)
    low = np.where(pair_count >= 2, pair, v[..., 7])
    return np.where(top_count >= 3, top, low)


def _step_plane(a, axes, sparse):
    """One 2x2 reduction over two of the spatial axes."""
    f = [1] * RANK
    for axis in axes:
        f[axis] = 2
    v = _boxes(a, tuple(f))
    o, p, q, d = (v[..., i] for i in range(4))     # origin, +first axis, +second, both
    twin_o = (o == p) | (o == q)
    twin_p = p == q
    if not sparse:
        return np.where(twin_o, o, np.where(twin_p, p, d))
    pick = np.where(twin_o, o, np.where(twin_p, p, 0))
    # which lone neighbour wins last: y before x, z before x, y before z
    near, far = (p, q) if axes == (1, 2) else (q, p)
    for lone in (d, o, near, far):
        pick = np.where(pick == 0, lone, pick)
    return pick.astype(a.dtype)


def _step_line(a, axis, sparse):
    f = [1] * RANK
    f[axis] = 2
    v = _boxes(a, tuple(f))
    return np.where(v[..., 0] == 0, v[..., 1], v[..., 0]) if sparse else v[..., 0]


def _segment_compat_once(a, f, sparse, integral):
    spatial, rest = f[:3], f[3:]
    if spatial == (2, 2, 2) and rest == (1, 1):
        return _step_cube_fast(a, sparse)
    plane_fast = spatial == (2, 2, 1) and not sparse
    if rest != (1, 1) or not all(map(_pow2, spatial)) or not (integral or plane_fast):
        return a[tuple(slice(None, None, e) for e in f)]
    left = list(spatial)
    while max(left) > 1:
        axes = tuple(i for i in range(3) if left[i] > 1)
        if len(axes) == 3:
            a = _step_cube_fast(a, True) if sparse else _step_cube_countless(a)
        elif len(axes) == 2:
            a = _step_plane(a, axes, sparse)
        else:
            a = _step_line(a, axes[0], sparse)
        for i in axes:
            left[i] //= 2
    return a


def _segment_exact(a, f, sparse):
    f = tuple(min(e, max(n, 1)) for e, n in zip(f, a.shape))
    o = tuple(out_size(s, e) for s, e in zip(a.shape, f))
    out = np.zeros(o, a.dtype)
    for at in np.ndindex(o):
        box = a[tuple(slice(i * e, (i + 1) * e) for i, e in zip(at, f))].ravel(order="F")
        if sparse:
            box = box[box != 0]
        if box.size:
            labels, first, count = np.unique(box, return_index=True, return_counts=True)
            winners = np.flatnonzero(count == count.max())
            out[at] = labels[winners[np.argmin(first[winners])]]
    return out


def segmentation(img, factor, num_mips=1, sparse=False, mode="compat"):
    if mode not in ("compat", "exact"):
        raise ValueError("mode is 'compat' or 'exact'")
    rank = np.ndim(img)
    img, f = _admit(img, factor, num_mips, LABEL_TYPES)
    dtype = img.dtype
    integral = dtype not in FLOAT_TYPES
    bits = _as_bits(np.ascontiguousarray(img))
    mips = []
    a = bits
    for k in range(1, num_mips + 1):
        if prod(f) == 1:
            pass
        elif mode == "exact":
            a = _segment_exact(bits, tuple(e ** k for e in f), sparse)
        else:
            a = _segment_compat_once(a, f, sparse, integral)
        mips.append(np.ascontiguousarray(a).view(dtype))
    return _deliver(mips, rank)


# --------------------------------------------------------------------------
# min, max, striding
# --------------------------------------------------------------------------

def _extreme(img, factor, num_mips, pick):
    rank = np.ndim(img)
    img, f = _admit(img, factor, num_mips, LABEL_TYPES)
    mips = []
    for _ in range(num_mips):
        v = _boxes(img, _fit(f, img.shape))   # a repeated edge voxel cannot change an extreme
        m = v[..., 0]
        for i in range(1, v.shape[-1]):
            m = pick(m, v[..., i])  # NaN wins over every number
        img = m
        mips.append(img)
    return _deliver(mips, rank)


def max_pooling(img, factor, num_mips=1):
    return _extreme(img, factor, num_mips, np.maximum)


def min_pooling(img, factor, num_mips=1):
    return _extreme(img, factor, num_mips, np.minimum)


def striding(img, factor, num_mips=1):
    rank = np.ndim(img)
    img, f = _admit(img, factor, num_mips, LABEL_TYPES)
    mips = []
    for _ in range(num_mips):
        img = img[tuple(slice(None, None, e) for e in f)]
        mips.append(img)
    return _deliver(mips, rank)


# --------------------------------------------------------------------------
# median
# --------------------------------------------------------------------------

def _median_once(a, f, sparse):
    g = _fit(f, a.shape)
    o = tuple(out_size(s, e) for s, e in zip(a.shape, g))
    out = np.zeros(o, a.dtype)
    for at in np.ndindex(o):
        box = a[tuple(slice(i * e, (i + 1) * e) for i, e in zip(at, g))].ravel()
        if sparse:
            box = box[box != 0]                       # NaN counts, -0 does not
        if not box.size:
            continue
        if a.dtype in FLOAT_TYPES and np.isnan(box).any():
            out[at] = np.nan
        else:
            out[at] = np.sort(box)[(box.size - 1) // 2]   # the lower of the two middle ones
    return out


def median(img, factor, num_mips=1, sparse=False, mode="compat"):
    if mode not in ("compat", "exact"):
        raise ValueError("mode is 'compat' or 'exact'")
    rank = np.ndim(img)
    img, f = _admit(img, factor, num_mips, INT_TYPES + FLOAT_TYPES)
    mips, a = [], img
    for k in range(1, num_mips + 1):
        if prod(f) > 1:
            a = _median_once(img, tuple(e ** k for e in f), sparse) if mode == "exact" else _median_once(a, f, sparse)
        mips.append(a)
    return _deliver(mips, rank)


# --------------------------------------------------------------------------
# streaming
# --------------------------------------------------------------------------

def source_range(n, f, k, start, stop):
    """Source indices along one axis that outputs [start, stop) of mip k depend on."""
    reach = f ** k
    return min(start * reach, n), min(stop * reach, n)
