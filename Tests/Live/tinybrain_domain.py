# SPDX-License-Identifier: Apache-2.0
"""
Where tinybrain 1.7.0 does what it documents, so that `compat` is equal to it bit for bit.

Each function gives True inside of that domain. Outside of it tinybrain raises, loses precision, depends on memory
order or reads beyond the array; the README's table says where.
"""
from math import prod

import numpy as np

FAST2 = {(2, 2), (2, 2, 1), (2, 2, 1, 1)}
FAST3 = {(2, 2, 2), (2, 2, 2, 1)}


def five(entries):
    return tuple(entries) + (1,) * (5 - len(entries))


def level_shapes(shape, factor, mips):
    shapes = [tuple(shape)]
    for _ in range(mips):
        shapes.append(tuple(-(-n // f) for n, f in zip(shapes[-1], factor)))
    return shapes


def largest(a):
    """The largest magnitude, as an exact number; infinities do not count."""
    if a.dtype.kind == "f":
        finite = a[np.isfinite(a)]
        return float(np.abs(finite.astype(np.float64)).max()) if finite.size else 0.0
    return max(abs(int(a.min())), abs(int(a.max()))) if a.size else 0


def average(a, factor, mips, sparse):
    n, f, size = five(a.shape), five(factor), a.dtype.itemsize
    integer, signed = a.dtype.kind in "iu", a.dtype.kind == "i"
    peak = largest(a)
    negative = integer and a.size and int(a.min()) < 0
    if all(e == 1 for e in f):
        return len(factor) >= 3
    narrow = not integer or size <= 2
    if factor in FAST2 | FAST3 and (narrow or mips == 1):
        cube = factor in FAST3
        if min(n[:3] if cube else n[:2]) < 2**mips:
            return False
        odd_x, odd_y = n[0] & 1, n[1] & 1
        if not cube:
            if mips == 1:
                if odd_x or odd_y or (size == 8 and integer and 4 * peak >= 2 ** (63 if signed else 64)):
                    return False
            elif sparse and (odd_x or (odd_y and n[2] > 1) or (integer and mips >= 5)):
                return False
            elif mips >= 5 and negative:
                return False
        else:
            if sparse and a.dtype.name not in ("uint8", "uint16"):
                return False
            if mips == 1 and not sparse:
                if a.dtype.name in ("int32", "int64"):
                    return False
                if a.dtype.name == "uint64" and 8 * peak >= 2**64:
                    return False
                if a.dtype.name == "uint32" and odd_x and odd_y and 2 * peak >= 2**32:
                    return False
            elif a.dtype.name == "int16" or (a.ndim == 5 and size == 1):
                return False
            elif sparse and (odd_x or mips > {1: 8, 2: 5}[size]):
                return False
            elif mips > 8 and negative:
                return False
        return integer or peak * prod(f) ** mips <= float(np.finfo(a.dtype).max) / 4
    # The numpy path.
    if len(factor) > a.ndim or (len(factor) >= 3 and all(e == 1 for e in factor[:3])):
        return False
    volume = prod(min(e, s) for e, s in zip(f, n))
    if sparse and mips > 1:
        return False
    if a.dtype.kind == "f":
        return size == 4 and peak * volume <= 1e38
    # Narrow integers with several mips may be off by one there: float32 images are carried.
    return peak * volume <= 2**24 and (size >= 4 or mips == 1)


def power_of_two(e):
    return e & (e - 1) == 0


def mode(a, factor, mips, sparse):
    """For a Fortran-contiguous array."""
    n = five(a.shape)
    if all(e == 1 for e in factor):
        return True
    integer = a.dtype.kind in "iu"
    if factor in FAST2 and not sparse:
        return True
    if factor in FAST3:
        return n[3] * n[4] == 1
    if not integer or not power_of_two(prod(factor)):
        return len(factor) <= max(a.ndim, 4)
    if len(factor) != 3:
        return False
    unseen = int(np.iinfo(a.dtype).max) if a.dtype.kind == "u" else -1
    has_unseen = bool((a == a.dtype.type(unseen)).any())
    if 1 in factor:
        others = [e for e in factor if e > 1]
        if len(others) != 2 or others[0] != others[1] or a.ndim > 4:
            return False
        if sparse:
            return others[0] == 2
        return not (has_unseen and (a.dtype.name == "uint64" or a.dtype.kind == "i"))
    if (a.ndim > 4 and len(set(factor)) > 1) or n[3] * n[4] > 1 or sparse or has_unseen:
        return False
    low = min(factor)
    rest = [e // low for e in factor]
    if sorted(rest) != [1, 1, 1] and not (rest.count(1) == 1 and len(set(rest)) == 2):
        return False
    shapes = level_shapes(n[:3], factor, mips)[:-1]
    return not any(s % low for shape in shapes for s in shape)


def extreme(a, factor, mips):
    if all(e == 1 for e in factor):
        return True
    if len(factor) > a.ndim:
        return False
    f = five(factor)
    return not any(s % e for shape in level_shapes(five(a.shape), f, mips)[:-1] for s, e in zip(shape, f))


def stride(a, factor, mips):
    return any(e != 1 for e in factor) and len(factor) <= max(a.ndim, 4)
