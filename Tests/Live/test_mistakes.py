# SPDX-License-Identifier: Apache-2.0
"""
Wrong requests. Each is answered with what was wrong and what would be right, the connection is left in a defined
state, and the next request works.
"""
import gzip

import numpy as np
import pytest

import pyramid_reference as reference
from support.arrays import npy_bytes, npy_header, request, target
from support.wire import Wire, chunked, head

RAW = dict(shape="4,4,4", dtype="uint8")
BODY = bytes(64)


def post(target, body=BODY, fields=(), framing="length"):
    if framing == "chunked":
        return head("POST", target, [*fields, ("Transfer-Encoding", "chunked")]) + chunked(body, iter([10] * len(body)))
    return head("POST", target, [*fields, ("Content-Length", len(body))]) + body


def refused(server, content, status, *words):
    """The answer is this problem, names all the words, and the connection ends or goes on as it says."""
    with server.connect() as wire:
        wire.send(content)
        reply = wire.read()
        assert reply.status == status, (reply.status, reply.body[:500])
        detail = reply.problem["detail"]
        for word in words:
            assert word.lower() in detail.lower(), f"{word!r} is not said in {detail!r}"
        wire.settle(reply)
        return reply


def query(**parameters):
    return target(**{**RAW, **parameters})


@pytest.mark.parametrize("parameters,words", [
    # Each says the parameter, and what it may be.
    (dict(method="best"), ["method", "average", "mode", "median", "min", "max", "stride"]),
    (dict(method=""), ["method"]),
    (dict(method="Average"), ["method", "average"]),
    (dict(precision="rough"), ["precision", "compat", "exact"]),
    (dict(sparse="yes"), ["sparse", "true", "false"]),
    (dict(sparse="1"), ["sparse", "true", "false"]),
    (dict(sparse="true", method="min"), ["sparse", "min"]),
    (dict(sparse="true", method="max"), ["sparse", "max"]),
    (dict(sparse="true", method="stride"), ["sparse", "stride"]),
    (dict(format="tiff"), ["format", "npz", "npy", "multipart", "raw"]),
    (dict(order="Z"), ["order", "F", "C"]),
    (dict(order="f"), ["order", "F", "C"]),
    (dict(dtype="uint7"), ["dtype", "uint8", "float64"]),
    (dict(dtype="bool"), ["dtype", "uint8"]),
    (dict(dtype="<u1"), ["dtype", "uint8"]),
    (dict(dtype="float16"), ["dtype", "float32"]),
    (dict(dtype=None), ["dtype"]),
    (dict(shape=None), ["shape"]),
    (dict(shape=""), ["shape"]),
    (dict(shape="0,4,4"), ["shape"]),
    (dict(shape="4,0,4"), ["shape"]),
    (dict(shape="-4,4,4"), ["shape"]),
    (dict(shape="4.0,4,4"), ["shape"]),
    (dict(shape="4,,4"), ["shape"]),
    (dict(shape="4,4,4,"), ["shape"]),
    (dict(shape="+4,4,4"), ["shape"]),
    (dict(shape="0x4,4,4"), ["shape"]),
    (dict(shape="4 ,4,4"), ["shape"]),
    (dict(shape="1,1,1,4,4,4"), ["shape", "5"]),
    (dict(shape="four"), ["shape"]),
    (dict(shape="9223372036854775808"), ["shape"]),
    (dict(shape="18446744073709551617"), ["shape"]),
    (dict(shape="99999999999999999999999999999999999999"), ["shape"]),
    (dict(factor="0,2,1"), ["factor", "1"]),
    (dict(factor="2,-1,1"), ["factor", "1"]),
    (dict(factor="1.5,2"), ["factor"]),
    (dict(factor=""), ["factor"]),
    (dict(factor="2,2,"), ["factor"]),
    (dict(factor="2;2"), ["factor"]),
    (dict(factor="1e1,2"), ["factor"]),
    (dict(factor="2,2,1,1,1,1"), ["factor", "5"]),
    (dict(factor="9223372036854775808,1"), ["factor"]),
    (dict(factor="99999999999999999999999999,1"), ["factor"]),
    (dict(mips="0"), ["mips", "1", "32"]),
    (dict(mips="-1"), ["mips"]),
    (dict(mips="33"), ["mips", "32"]),
    (dict(mips="1.0"), ["mips"]),
    (dict(mips="ALL"), ["mips", "all"]),
    (dict(mips=""), ["mips"]),
    (dict(mips="4294967297"), ["mips"]),
    (dict(mips="18446744073709551617"), ["mips"]),
    (dict(levels="0"), ["levels"]),
    (dict(levels="2"), ["levels"]),
    (dict(levels="3-2", mips="3"), ["levels"]),
    (dict(levels="1-4", mips="3"), ["levels"]),
    (dict(levels="1-"), ["levels"]),
    (dict(levels="-1"), ["levels"]),
    (dict(levels="1,2", mips="2"), ["levels"]),
    (dict(levels="1-2-3", mips="3"), ["levels"]),
    (dict(levels="1-99999999999999999999", mips="3"), ["levels"]),
    (dict(levels=""), ["levels"]),
    (dict(mip="2"), ["mip", "mips"]),
    (dict(Mips="2"), ["Mips", "mips"]),
    (dict(downsample="2"), ["downsample"]),
])
def test_a_bad_parameter_is_400_and_is_named(parameters, words, server):
    refused(server, post(query(**parameters)), 400, *words)


@pytest.mark.parametrize("text,words", [
    ("shape=4,4,4&dtype=uint8&mips=1&mips=1", ["mips"]),
    ("shape=4,4,4&dtype=uint8&dtype=uint16", ["dtype"]),
    ("shape=4,4,4&dtype=uint8&shape=4,4,4", ["shape"]),
    ("shape=4,4,4;dtype=uint8", []),
    ("shape=4,4,4&dtype=uint8&mips", ["mips"]),
    ("shape=4,4,4&dtype=uint8&=3", []),
    ("shape=4,4,4&dtype=uint8&mips=%31%3", []),
    ("shape=4,4,4&dtype=uint8&mips=%zz", []),
    ("shape=4,4,4&dtype=uint8&m%00ps=1", []),
    ("shape=4,4,4&dtype=uint8&method=%ff%fe", []),
    ("shape=4,4,4&dtype=uint8&method=%C0%AF", []),
    ("shape=4+,4,4&dtype=uint8", ["shape"]),
    ("shape=4,4,4&dtype=uint8&method=" + "a" * 3000, ["method"]),
])
def test_a_bad_query_is_400(text, words, server):
    refused(server, post("/v1/pyramid?" + text), 400, *words)


def test_percent_encoding_means_nothing(server):
    with server.connect() as wire:
        wire.send(post("/v1/pyramid?shape=%34%2C4%2c4&%64type=uint8"))
        assert wire.read().status == 200


def test_what_a_client_sends_is_not_reflected_in_the_head(server):
    refused(server, post(query(method="a%0d%0aSet-Cookie: x").replace("%25", "%")), 400, "method")


@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("coding", [None, "gzip"])
@pytest.mark.parametrize("count", [0, 1, 63, 65, 128, 100_000])
def test_a_body_of_another_length_is_400(count, coding, framing, server):
    body = bytes(count)
    fields = [("Content-Encoding", coding)] if coding else []
    content = post(query(), gzip.compress(body) if coding else body, fields, framing)
    refused(server, content, 400, "64")


def test_the_length_is_refused_before_the_body_is_sent(server):
    """The head tells: shape × dtype is 64 bytes, Content-Length is not."""
    for length in (63, 65, 2**40):
        with server.connect() as wire:
            wire.send(head("POST", query(), [("Content-Length", length), ("Expect", "100-continue")]))
            reply = wire.read()
            assert reply.status == 400 and not reply.interim
            assert "64" in reply.problem["detail"] and str(length) in reply.problem["detail"]


A = np.asfortranarray(np.arange(24, dtype=np.uint8).reshape(2, 3, 4))
NPY = [("Content-Type", "application/x-npy")]


@pytest.mark.parametrize("parameters,words", [
    (dict(shape="2,3,5"), ["shape"]),
    (dict(shape="4,3,2"), ["shape"]),
    (dict(shape="2,3,4,1"), ["shape"]),
    (dict(dtype="int8"), ["dtype"]),
    (dict(order="C"), ["order"]),
])
def test_a_query_that_contradicts_the_npy_is_400(parameters, words, server):
    for framing in ("length", "chunked"):
        refused(server, post(target(**parameters), npy_bytes(A), NPY, framing), 400, *words)


GOOD = "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3, 4), }"
DATA = A.tobytes("F")


def good(old, new):
    assert old in GOOD
    return npy_header(GOOD.replace(old, new)) + DATA


@pytest.mark.parametrize("body", [
    pytest.param(b"", id="empty"),
    pytest.param(b"\x93NUM", id="ends-in-the-magic"),
    pytest.param(b"\x93NUMPY\x01\x00\x76", id="ends-in-the-length"),
    pytest.param(b"\x93NUMPX" + npy_bytes(A)[6:], id="wrong-magic"),
    pytest.param(b"\x93NUMPY\x00\x00" + npy_bytes(A)[8:], id="version-0"),
    pytest.param(b"\x93NUMPY\x04\x00" + npy_bytes(A)[8:], id="version-4"),
    pytest.param(b"\x93NUMPY\x01\x07" + npy_bytes(A)[8:], id="version-1.7"),
    pytest.param(npy_bytes(A)[:40], id="ends-in-the-header"),
    pytest.param(npy_bytes(A)[:8] + b"\xff\xff" + npy_bytes(A)[10:], id="header-length-too-long"),
    pytest.param(npy_bytes(A)[:8] + b"\x30\x00" + npy_bytes(A)[10:], id="header-length-too-short"),
    pytest.param(npy_bytes(A)[:8] + b"\x00\x00" + npy_bytes(A)[10:], id="header-length-0"),
    pytest.param(b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + GOOD.encode(), id="header-length-4-GiB"),
    pytest.param(npy_header("{" + " " * 70_000 + GOOD[1:], 2) + DATA, id="header-of-70-kB"),
    pytest.param(npy_bytes(A)[:-1], id="one-byte-short"),
    pytest.param(npy_bytes(A) + b"\x00", id="one-byte-long"),
    pytest.param(npy_bytes(A) + npy_bytes(A), id="two-arrays"),
    pytest.param(good("'|u1'", "'|O'"), id="objects"),
    pytest.param(good("'|u1'", "'<c8'"), id="complex"),
    pytest.param(good("'|u1'", "'<f2'"), id="float16"),
    pytest.param(good("'|u1'", "'|S1'"), id="strings"),
    pytest.param(good("'|u1'", "'<M8[s]'"), id="times"),
    pytest.param(good("'|u1'", "'<u3'"), id="uint24"),
    pytest.param(good("'|u1'", "[('a', '|u1')]"), id="structured"),
    pytest.param(good("'|u1'", "'|u1"), id="open-string"),
    pytest.param(good("True", "1"), id="order-is-no-bool"),
    pytest.param(good("True", "Maybe"), id="order-is-a-name"),
    pytest.param(good("(2, 3, 4)", "(2, 3, -4)"), id="negative-size"),
    pytest.param(good("(2, 3, 4)", "(2, 3, 4.0)"), id="fractional-size"),
    pytest.param(good("(2, 3, 4)", "(24)"), id="shape-is-a-number"),
    pytest.param(good("(2, 3, 4)", "[2, 3, 4]"), id="shape-is-a-list"),
    pytest.param(good("(2, 3, 4)", "(2, 3, 0)"), id="empty-array"),
    pytest.param(good("(2, 3, 4)", "()"), id="no-axes"),
    pytest.param(good("(2, 3, 4)", "(1, 1, 1, 2, 3, 4)"), id="six-axes"),
    pytest.param(good("(2, 3, 4)", "(9223372036854775808,)"), id="size-of-2^63"),
    pytest.param(good("(2, 3, 4)", "(" + "1, " * 5000 + ")"), id="five-thousand-axes"),
    pytest.param(good("'shape'", "'form'"), id="no-shape"),
    pytest.param(good("'shape': (2, 3, 4), ", ""), id="shape-left-out"),
    pytest.param(good("}", "'more': 1}"), id="another-key"),
    pytest.param(good("'shape'", "'descr': '|u1', 'shape'"), id="a-key-twice"),
    pytest.param(good("{", "{" * 3000), id="deep"),
    pytest.param(good("(2, 3, 4)", "__import__('os').getpid()"), id="code"),
    pytest.param(npy_header("\x00" * 60) + DATA, id="header-of-zeros"),
    pytest.param(npy_header("") + DATA, id="header-of-nothing"),
    pytest.param(npy_header(GOOD + "\xff\xfe") + DATA, id="no-utf-8"),
])
def test_a_broken_npy_is_400(body, server):
    for framing in ("length", "chunked"):
        if body or framing == "length":
            assert refused(server, post(target(), body, NPY, framing), 400).problem["detail"]


def test_a_npy_type_with_a_wrong_byte_order_is_told_the_right_ones(server):
    """The bar stands for types of one byte alone."""
    refused(server, post(target(), good("'|u1'", "'|u2'"), NPY), 400, "'|u2'", "'<', '>' or '='", "'|' before those of one byte")


@pytest.mark.parametrize("media", ["image/png", "application/json", "text/plain; charset=utf-8", "nonsense", "application/zip"])
def test_an_unknown_type_is_415(media, server):
    refused(server, post(query(), fields=[("Content-Type", media)]), 415, "application/octet-stream", "application/x-npy")


@pytest.mark.parametrize("media", ["Application/Octet-Stream", "application/octet-stream;x=y"])
def test_media_types_are_compared_as_they_should(media, server):
    with server.connect() as wire:
        wire.send(post(query(), fields=[("Content-Type", media)]))
        assert wire.read().status == 200


@pytest.mark.parametrize("coding", ["br", "zstd", "compress", "gzip, gzip", "gzip, br", "gzip;q=1", "\"gzip\""])
def test_an_unknown_coding_is_415_and_says_which_are_known(coding, server):
    reply = refused(server, post(query(), fields=[("Content-Encoding", coding)]), 415)
    assert {"gzip", "deflate"} <= {name.strip() for name in reply["Accept-Encoding"].split(",")}


def test_two_coding_fields_are_415(server):
    refused(server, post(query(), fields=[("Content-Encoding", "gzip"), ("Content-Encoding", "gzip")]), 415)


def test_two_types_are_no_type(server):
    content = post(query(), fields=[("Content-Type", "application/x-npy"), ("Content-Type", "application/octet-stream")])
    with server.connect() as wire:
        wire.send(content)
        assert wire.read().status in (400, 415)


@pytest.mark.parametrize("expectation", ["200-ok", "100-continue, more", "x"])
def test_an_unknown_expectation_is_417(expectation, server):
    refused(server, post(query(), fields=[("Expect", expectation)]), 417, "100-continue")


def test_an_array_that_is_too_large_is_413_before_its_body(server):
    """An array whose pyramid no machine holds: which limit, and how much it is, is said."""
    side = 2**19
    with server.connect() as wire:
        wire.send(head("POST", target(shape=f"{side},{side},4", dtype="uint64"), [
            ("Content-Length", side * side * 4 * 8), ("Expect", "100-continue")]))
        reply = wire.read()
        assert reply.status == 413 and not reply.interim
        assert any(char.isdigit() for char in reply.problem["detail"]), reply.problem


@pytest.mark.parametrize("method,path", [("POST", "/v1/pyramid"), ("PUT", "/v1/volumes/huge")])
@pytest.mark.parametrize("kind", ["raw", "npy"])
@pytest.mark.parametrize("shape,count", [
    ((2**40 + 1,), 2**40 + 1), ((2**52, 1), 2**52), ((2**62,), 2**62), ((3037000500, 3037000500, 1), 2**63 - 1), ((3037000499, 3037000499), 3037000499**2),
    ((2**32, 2**32), 2**63 - 1), ((2**63 - 1,) * 3, 2**63 - 1),
], ids=str)
def test_more_voxels_than_allowed_are_413_however_many(shape, count, kind, method, path, server):
    """With the limit and the count; where that is beyond 63 bits, with what it is at least."""
    sizes = ",".join(map(str, shape))
    if kind == "raw":
        wrong = head(method, target(path, shape=sizes, dtype="uint8"), [("Transfer-Encoding", "chunked")]) + b"0\r\n\r\n"
    else:
        body = npy_header("{'descr': '|u1', 'fortran_order': True, 'shape': (%s,)}" % sizes)
        wrong = head(method, path, [("Content-Type", "application/x-npy"), ("Content-Length", len(body))]) + body
    with server.connect() as wire:
        wire.send(wrong)
        reply = wire.read(method)
    assert reply.status == 413 and reply.problem["limit"] == "limits.voxels", reply.body
    assert f" {count} " in reply.problem["detail"] and f" {2**40} " in reply.problem["detail"], reply.body
    assert ("or more" in reply.problem["detail"]) == (count == 2**63 - 1), reply.body


def test_a_small_upload_of_a_huge_pyramid_is_413(server):
    """Chunked, so that only the shape tells."""
    with server.connect() as wire:
        wire.send(head("POST", target(shape="1099511627776,16", dtype="uint8"), [("Transfer-Encoding", "chunked")]))
        reply = wire.read()
        assert reply.status == 413 and reply.problem["detail"]


def test_after_each_mistake_the_same_connection_or_the_next_works(server, dice, figure):
    """Hundreds of mistakes in a row; a right request between them is answered right."""
    mistakes = [
        post(query(method="best")), post(query(), bytes(63)), post(query(), bytes(65), framing="chunked"),
        post(target(), npy_bytes(A)[:-1], NPY), post(query(), fields=[("Content-Type", "image/png")]),
        post(query(), b"\x1f\x8b" + bytes(60), [("Content-Encoding", "gzip")]), head("GET", "/nothing"),
    ]
    wire = None
    right = request(A, format="raw")
    levels = reference.averaging(A, (2, 2, 1))[0].tobytes("F")
    answers = 0
    try:
        for _ in range(300):
            if wire is None:
                wire = Wire(server.address)
            wire.send(dice.choice(mistakes))
            reply = wire.read()
            assert 400 <= reply.status < 500
            if reply.closes:
                wire.expect_closed()
                wire.close()
                wire = None
                continue
            wire.send(right)
            assert wire.read().body == levels
            answers += 1
    finally:
        if wire is not None:
            wire.close()
    figure(f"{answers} of 300 connections went on")

