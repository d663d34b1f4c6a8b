# SPDX-License-Identifier: Apache-2.0
"""Every test vector, bit for bit, through a live server: in both orders, all bodies and all answers."""
import json
import os
from pathlib import Path

import numpy as np
import pytest

from support.arrays import FORMATS, first_difference, levels_of, request, same

FOLDER = Path(os.environ.get("PYRAMIDION_VECTORS", Path(__file__).resolve().parents[1] / "Data/vectors"))
MANIFEST = json.loads((FOLDER / "manifest.json").read_text())
METHODS = {"segment": "mode"}
EMPTY = [case for case in MANIFEST["cases"] if 0 in case["shape"]]
NO_MIPS = [case for case in MANIFEST["cases"] if case["num_mips"] == 0 and case not in EMPTY]
CASES = [case for case in MANIFEST["cases"] if case not in EMPTY and case not in NO_MIPS]


def load(name):
    return np.load(FOLDER / name)


def query(case):
    return dict(
        method=METHODS.get(case["op"], case["op"]), precision=case["mode"], factor=tuple(case["factor"]),
        mips=case["num_mips"], sparse=True if case["sparse"] else None,
    )


def draw(case, a, order, dice):
    """A way to send the case and to have it answered. Bool has no name in a query: only .npy carries it."""
    form = dice.choice(FORMATS)
    sent = dict(
        order=order,
        body=dice.choice(("npy", "npy2") if case["dtype"] == "bool" else ("raw", "raw", "npy", "npy2")),
        coding=dice.choice(("identity", "identity", "gzip", "x-gzip", "deflate", "members")),
        framing=dice.choice(("length", "chunked")),
    )
    fields = [("Accept-Encoding", "gzip")] if dice.random() < 0.3 else []
    if dice.random() < 0.2:
        fields.append(("Prefer", "respond-early"))
    return form, sent, request(a, **sent, **query(case), format=form, random=dice, fields=fields)


@pytest.mark.parametrize("order", ["F", "C"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_vector(case, order, kept, dice):
    a = load(case["input"])
    form, sent, content = draw(case, a, order, dice)
    got = levels_of(kept(content, unix=dice.random() < 0.3), form)
    for mip, name in enumerate(case["outputs"], 1):
        want = load(name)
        assert same(got[mip], want), f"mip {mip} as {form} of {sent}: {first_difference(got[mip], want)}"
    assert len(got) == case["num_mips"]


def test_what_http_cannot_ask_is_refused(kept, dice, figure):
    """No mips, and empty arrays: the vectors have them, a request cannot; together the cases are complete."""
    assert len(CASES) + len(EMPTY) + len(NO_MIPS) == len(MANIFEST["cases"])
    figure(f"{len(EMPTY)} cases with an empty axis and {len(NO_MIPS)} with no mips cannot be asked over HTTP")
    for case in EMPTY + NO_MIPS:
        for body in ("raw", "npy"):
            reply = kept(request(load(case["input"]), body=body, **query(case)))
            assert reply.status == 400, (case, reply.status)
            named = "mips" if case["num_mips"] == 0 else "shape"
            assert named in reply.problem["detail"] or "empty" in reply.problem["detail"], reply.problem


@pytest.mark.parametrize("case", MANIFEST["refused"], ids=lambda case: case["why"].replace(" ", "-"))
def test_refused(case, kept):
    a = np.zeros(case["shape"], case["dtype"])
    reply = kept(request(
        a, body="npy" if case["dtype"] == "bool" or len(case["shape"]) > 5 else "raw",
        method=case["op"], factor=",".join(map(str, case["factor"])), mips=case["num_mips"],
    ))
    assert reply.status == 400, case["why"]
    assert reply.problem["detail"]
