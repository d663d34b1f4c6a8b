# SPDX-License-Identifier: Apache-2.0
"""
What schemathesis cannot read in the document, so that it gets beyond 400 and 404: SCHEMATHESIS_HOOKS names this module.

It makes .npy bodies, and of two requests that keep the document turns one into a request that belongs together: names
that there are, and a shape and dtype that agree with the body.
"""
import io
import random

import numpy as np
import schemathesis
from hypothesis import strategies as st
from schemathesis.core.parameters import ParameterLocation

CHOICES = random.Random(1)
ORIGINALS = {
    "name": ["small", "spare", "draft"],
    "scale": ["8_8_8", "1_1_1"],
    "chunk": ["0-16_0-16_0-16", "32-40_16-30_16-20", "0-9_0-8_0-7", "0-64_0-64_0-64"],
    "key": [".zattrs", ".zmetadata", "0/.zarray", "0/0/0/0", "1/0/0/0", "9/.zarray"],
    "file": ["main.mjs", "style.css", "icon.svg", "nothing"],
}
FITTING = {
    "mip": ["0", "1", "9"], "bbox": ["0-9_0-8_0-7", "0-1_2-3_4-5", "0-99_0-1_0-1"], "at": ["0", "3"], "range": ["0,9"],
}


def npy(shape, dtype, order):
    body = io.BytesIO()
    np.save(body, np.arange(np.prod(shape)).astype(dtype).reshape(shape, order=order))
    return body.getvalue()


schemathesis.openapi.media_type("application/x-npy", st.builds(
    npy, st.lists(st.integers(1, 6), min_size=1, max_size=5), st.sampled_from(["u1", "<u2", ">u4", "<u8", "f4", "?"]),
    st.sampled_from("CF"),
) | st.binary(max_size=200))

schemathesis.openapi.media_type("application/octet-stream", st.binary(max_size=64))


def keeps(case, place):
    """Whether this part of the request is meant to keep the document."""
    if case.meta is None:
        return False
    part = case.meta.components.get(place)
    return part is None or part.mode.is_positive


@schemathesis.hook
def before_call(context, case, **options):
    if CHOICES.random() < 0.5:
        return
    if keeps(case, ParameterLocation.PATH):
        for name in case.path_parameters or {}:
            case.path_parameters[name] = CHOICES.choice(ORIGINALS[name])
        if "chunk" in (case.path_parameters or {}):
            case.path_parameters |= {"name": "small", "scale": "8_8_8"}
    if keeps(case, ParameterLocation.QUERY):
        for name in set(case.query or {}) & set(FITTING):
            case.query[name] = CHOICES.choice(FITTING[name])
        if case.operation.method.lower() in ("post", "put") and keeps(case, ParameterLocation.BODY):
            belong_together(case)
    if keeps(case, ParameterLocation.HEADER) and case.headers is not None:
        for name in ("Content-Encoding", "If-Match", "If-None-Match"):
            if CHOICES.random() < 0.7:
                case.headers.pop(name, None)
        if "Range" in case.headers:
            case.headers["Range"] = CHOICES.choice(["bytes=0-9", "bytes=-5", "bytes=99999999-", "rows=1-2"])


def belong_together(case):
    query = case.query
    for name in ("shape", "dtype", "order", "levels", "factor", "mips", "encoding", "kind"):
        query.pop(name, None)
    if case.media_type == "application/octet-stream":
        shape = [CHOICES.randint(1, 6) for _ in range(CHOICES.randint(1, 4))]
        query |= {"shape": ",".join(map(str, shape)), "dtype": "uint16"}
        case.body = bytes(2 * int(np.prod(shape)))
    else:
        case.body = npy([5, 4, 3], "u4", "F")
    # Schemathesis judges what a hook has changed and cannot read bytes: it would take them for a body that breaks the document.
    case._meta.update_validated_hash(ParameterLocation.BODY, case._hash_container(case.body))
    case._meta.clear_dirty(ParameterLocation.BODY)
