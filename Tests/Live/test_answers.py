# SPDX-License-Identifier: Apache-2.0
"""What a right request is answered: formats, negotiation, headers, levels, orders."""
import io

import numpy as np
import pytest

import pyramid_reference as reference
from support.arrays import (
    ACCEPT, FORMATS, TYPES, announced, compress, levels_of, npy_bytes, npy_header, request, same, target,
)
from support.wire import chunked, head

A = np.asfortranarray(np.arange(13 * 9 * 5, dtype=np.uint16).reshape(13, 9, 5) * 7)


def vary(reply):
    return {name.strip().lower() for value in reply.all("Vary") for name in value.split(",")}


@pytest.mark.parametrize("unix", [False, True], ids=["tcp", "unix"])
@pytest.mark.parametrize("coding", ["identity", "gzip"])
@pytest.mark.parametrize("form", FORMATS)
def test_every_format_by_accept_and_by_parameter(form, coding, unix, kept, server):
    want = reference.averaging(A, (2, 2, 1), 3)
    fields = [("Accept-Encoding", coding)]
    for how in (dict(fields=[*fields, ("Accept", ACCEPT[form])]), dict(fields=fields, format=form)):
        reply = kept(request(A, mips=3, **how), unix=unix)
        got = levels_of(reply, form)
        assert all(same(got[mip], b) for mip, b in enumerate(want, 1))
        assert reply.get("Content-Encoding", "identity") == coding
        assert reply.framing == ("length" if coding == "identity" else "chunked")
        assert "accept-encoding" in vary(reply)
        assert announced(reply) == (A.dtype, "F", [(i, b.shape) for i, b in enumerate(want, 1)])


@pytest.mark.parametrize("accept,form", [
    (None, "npz"),
    ("*/*", "npz"),
    ("application/zip", "npz"),
    ("APPLICATION/X-NPY", "npy"),
    ("application/x-npy;q=0.5, multipart/mixed", "multipart"),
    ("application/x-npy;q=0.5, multipart/mixed;q=0.4", "npy"),
    ("text/html, application/octet-stream;q=0.1", "raw"),
    ("text/html, */*;q=0.8", "npz"),
    ("multipart/*", "multipart"),
    ("application/zip;q=0, application/x-npy", "npy"),
])
def test_accept_chooses_the_format(accept, form, kept, server):
    reply = kept(request(A, fields=[("Accept", accept)] if accept else []))
    levels_of(reply, form)
    assert "accept" in vary(reply)


def test_the_parameter_wins_over_accept(kept, server):
    levels_of(kept(request(A, format="npy", fields=[("Accept", "multipart/mixed")])), "npy")
    levels_of(kept(request(A, format="raw", fields=[("Accept", "image/png")])), "raw")


@pytest.mark.parametrize("accept", ["image/png", "text/html, application/json", "application/zip;q=0", "*/*;q=0"])
def test_an_accept_that_nothing_satisfies_is_406(accept, kept, server):
    reply = kept(request(A, fields=[("Accept", accept)]))
    assert reply.status == 406
    detail = reply.problem["detail"]
    assert all(media in detail for media in ACCEPT.values()), detail
    assert vary(reply) == {"accept", "accept-encoding"}


@pytest.mark.parametrize("parameters,names", [({}, {"accept", "accept-encoding"}), (dict(format="npy"), {"accept-encoding"})])
def test_a_406_varies_by_what_was_negotiated(parameters, names, kept, server):
    reply = kept(request(A, fields=[("Accept-Encoding", "identity;q=0")], **parameters))
    assert reply.status == 406 and vary(reply) == names
    reply = kept(request(A, **parameters))
    assert reply.status == 200 and vary(reply) == names


@pytest.mark.parametrize("value", ["", " ", ",", " , ,"])
def test_an_empty_list_is_as_none(value, kept, server):
    levels_of(kept(request(A, fields=[("Accept", value)])), "npz")
    levels_of(kept(request(A, fields=[("Expect", value)])), "npz")


@pytest.mark.parametrize("value,early", [
    ('respond-early=""', True), ("respond-early", True), ('wait=9, Respond-Early = ""; a=b', True), ('respond-early="no"', False),
])
def test_an_empty_preference_is_as_one_without_a_value(value, early, kept, server):
    reply = kept(request(A, fields=[("Prefer", value)]))
    assert reply.status == 200 and reply.get("Preference-Applied") == ("respond-early" if early else None)


@pytest.mark.parametrize("value,coding", [
    (None, "identity"), ("gzip", "gzip"), ("GZIP", "gzip"), ("gzip;q=0", "identity"),
    ("br, gzip;q=0.2", "gzip"), ("br, deflate", "identity"), ("identity", "identity"), ("gzip;q=0, *", "identity"),
])
def test_accept_encoding(value, coding, kept, server):
    reply = kept(request(A, fields=[("Accept-Encoding", value)] if value else []))
    levels_of(reply, "npz")
    assert reply.get("Content-Encoding", "identity") == coding


@pytest.mark.parametrize("levels,mips", [("1", [1]), ("3", [3]), ("2-5", [2, 3, 4, 5]), ("5-5", [5]), ("1-5", [1, 2, 3, 4, 5])])
@pytest.mark.parametrize("form", FORMATS)
def test_levels_choose_what_is_sent(form, levels, mips, kept, server):
    want = reference.averaging(A, (2, 2, 1), 5)
    got = levels_of(kept(request(A, mips=5, levels=levels, format=form)), form)
    assert list(got) == mips
    assert all(same(got[mip], want[mip - 1]) for mip in mips)


@pytest.mark.parametrize("method", ["average", "mode", "median", "min", "max", "stride"])
def test_levels_alone_are_the_same_as_among_all(method, kept, server):
    """Also where sums are carried from level to level, which restart only at their own period."""
    whole = levels_of(kept(request(A, method=method, factor=(2, 2, 2), mips=6)), "npz")
    for mip in range(1, 7):
        alone = levels_of(kept(request(A, method=method, factor=(2, 2, 2), mips=6, levels=mip)), "npz")
        assert list(alone) == [mip] and same(alone[mip], whole[mip])


@pytest.mark.parametrize("shape,factor,count", [
    ((5, 3, 7), (2, 2, 1), 3), ((5, 3, 9), (2, 2, 2), 4), ((64, 1, 1), (2, 1, 1), 6), ((9, 9), (3, 3), 2),
    ((100, 7, 3), (10, 1, 1), 2), ((2, 2, 2, 2, 17), (1, 1, 1, 1, 2), 5),
])
def test_all_mips_end_when_no_downsampled_axis_is_longer_than_1(shape, factor, count, kept, server):
    a = np.ones(shape, np.uint8)
    got = levels_of(kept(request(a, factor=factor, mips="all")), "npz")
    assert list(got) == list(range(1, count + 1))
    assert all(n == 1 for n, f in zip(got[count].shape, factor) if f > 1)


def test_the_defaults(kept, server):
    """average, compat, 2,2,1, one mip, not sparse, F, npz."""
    reply = kept(head("POST", target(shape=A.shape, dtype="uint16"), [("Content-Length", A.nbytes)]) + A.tobytes("F"))
    got = levels_of(reply, "npz")
    assert list(got) == [1] and same(got[1], reference.averaging(A, (2, 2, 1), 1)[0])


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", [(7,), (6, 5), (5, 4, 3), (4, 3, 3, 2), (3, 4, 2, 2, 3)], ids=lambda s: f"{len(s)}-axes")
def test_rank_type_and_order_are_kept(dtype, shape, kept, server):
    a = np.arange(np.prod(shape)).astype(dtype).reshape(shape)
    want = reference.averaging(a, (2, 2, 1), 2)
    for order in "FC":
        for form in FORMATS:
            reply = kept(request(a, order=order, mips=2, format=form))
            assert reply["Pyramid-Order"] == order and reply["Pyramid-Dtype"] == dtype
            got = levels_of(reply, form)
            assert all(same(got[mip], b) for mip, b in enumerate(want, 1))


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)], ids=str)
@pytest.mark.parametrize("order", ["F", "C"])
@pytest.mark.parametrize("endian", ["<", ">"])
@pytest.mark.parametrize("dtype", TYPES)
def test_npy_of_every_kind(dtype, endian, order, version, kept, server):
    a = np.array(np.arange(-300, 300).reshape(10, 12, 5).astype(dtype), dtype=np.dtype(dtype).newbyteorder(endian), order=order)
    body = npy_bytes(a, version)
    reply = kept(head("POST", target(mips=2), [("Content-Type", "application/x-npy"), ("Content-Length", len(body))]) + body)
    got = levels_of(reply, "npz")
    assert reply["Pyramid-Order"] == order
    want = reference.averaging(a.astype(dtype), (2, 2, 1), 2)
    assert all(same(got[mip], b) for mip, b in enumerate(want, 1))


@pytest.mark.parametrize("text", [
    "{'descr': '<u2', 'fortran_order': True, 'shape': (13, 9, 5), }\n",
    "{'shape': (13, 9, 5), 'fortran_order': True, 'descr': '<u2'}",
    '{"descr": "<u2", "fortran_order": True, "shape": (13, 9, 5)}\n',
    "{'descr':'<u2','fortran_order':True,'shape':(13,9,5)}" + " " * 300 + "\n",
    "  {  'descr' : '<u2' , 'fortran_order' : True , 'shape' : ( 13 , 9 , 5 , ) }\n",
])
def test_npy_headers_that_numpy_reads(text, kept, server):
    body = npy_header(text) + A.tobytes("F")
    assert same(np.load(io.BytesIO(body)), A), "numpy does not read it"
    reply = kept(head("POST", target(), [("Content-Type", "application/x-npy"), ("Content-Length", len(body))]) + body)
    assert same(levels_of(reply, "npz")[1], reference.averaging(A, (2, 2, 1))[0])


def test_a_query_that_agrees_with_the_npy_is_no_mistake(kept, server):
    got = levels_of(kept(request(A, body="npy", shape=A.shape, dtype="uint16", order="F")), "npz")
    assert same(got[1], reference.averaging(A, (2, 2, 1))[0])


def test_bool_labels_come_by_npy(kept, server):
    a = np.asfortranarray(A % 3 == 0)
    for form in FORMATS:
        reply = kept(request(a, body="npy", method="mode", mips=2, format=form))
        got, want = levels_of(reply, form), reference.segmentation(a, (2, 2, 1), 2)
        assert all(same(got[mip], b) for mip, b in enumerate(want, 1))


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_respond_early_answers_while_it_reads(form, coding, server):
    """The first slices are answered before the last one is sent: a client can read while it writes."""
    rng = np.random.default_rng(1)
    a = np.asfortranarray(rng.integers(0, 256, (256, 256, 64), dtype=np.uint8))
    want = reference.averaging(a, (2, 2, 1), 2)
    content = request(a, mips=2, format=form, fields=[("Prefer", "respond-early"), ("Accept-Encoding", coding)])
    with server.connect() as wire:
        wire.send(content[:-1])
        first = wire.read_head()
        assert first.status == 200
        wire.pending[:0] = b"".join(
            [b"HTTP/1.1 200 OK\r\n", *(f"{k}: {v}\r\n".encode() for k, v in first.fields), b"\r\n"])
        wire.send(content[-1:])
        reply = wire.read()
        got = levels_of(reply, form)
        assert all(same(got[mip], b) for mip, b in enumerate(want, 1))
        wire.settle(reply)


def test_respond_early_that_fails_ends_before_its_end(server):
    """A failure behind a begun answer cannot be told otherwise than by closing."""
    a = np.zeros((256, 256, 64), np.uint8)
    content = request(a, body="npy", coding="gzip", format="raw", fields=[("Prefer", "respond-early")])
    broken = content[:-8] + bytes(b ^ 0xFF for b in content[-8:])
    with server.connect() as wire:
        wire.send(broken)
        reply = wire.read_head()
        if reply.status != 200:
            return  # noticed in time: a proper error is better still
        with pytest.raises((EOFError, ConnectionResetError)):
            if reply.all("Content-Length"):
                wire.read_exactly(int(reply["Content-Length"]))
            else:
                wire.read_chunked()


def wrong_behind_the_last_voxel(how):
    """A request up to its last voxel, all of it right, and a rest that is not: its query, fields and two parts."""
    a = np.zeros((4, 4, 2), np.uint8)
    raw, npy, voxels = dict(shape=a.shape, dtype="uint8"), [("Content-Type", "application/x-npy")], b"20\r\n" + bytes(32) + b"\r\n"
    one_more, end = b"1\r\n\0\r\n", b"0\r\n\r\n"
    match how:
        case "too-long":
            return raw, [], voxels, one_more + end
        case "npy-tail":
            large = npy_bytes(np.zeros((128, 128, 4), np.uint8))  # more than is read to find the header
            return {}, npy, chunked(large, iter([len(large)]))[:-len(end)], one_more + end
        case "gzip-cut":
            packed = chunked(compress(bytes(32), "gzip")[:-8], iter([1000]))
            return raw, [("Content-Encoding", "gzip")], packed[:-len(end)], end
        case "trailer":
            return raw, [], voxels, b"0\r\nno field\r\n\r\n"
        case "framing":
            return raw, [], voxels, b"framing?\r\n"


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("how", ["too-long", "npy-tail", "gzip-cut", "trailer", "framing"])
def test_respond_early_never_ends_an_answer_before_the_body_has_ended(how, form, server):
    """The last byte waits until the body is known to be right: a whole answer means a whole upload."""
    query, fields, voxels, rest = wrong_behind_the_last_voxel(how)
    with server.connect() as wire:
        fields = [("Prefer", "respond-early"), ("Transfer-Encoding", "chunked"), *fields]
        wire.send(head("POST", target(format=form, **query), fields) + voxels)
        reply = wire.read_head()
        assert reply.status == 200 and reply["Preference-Applied"] == "respond-early"
        wire.send(rest)
        with pytest.raises((EOFError, ConnectionResetError)):
            wire.read_exactly(int(reply["Content-Length"]))


def test_respond_early_of_an_empty_answer_is_not_early(server):
    """A head with Content-Length: 0 is a whole answer."""
    with server.connect() as wire:
        fields = [("Prefer", "respond-early"), ("Transfer-Encoding", "chunked")]
        wire.send(head("POST", target(shape="0,4,2", dtype="uint8", format="raw"), fields) + b"1\r\n\0\r\n0\r\n\r\n")
        assert wire.read().status == 400


def test_answers_go_to_http_1_0_without_chunks(server):
    for fields in ([], [("Accept-Encoding", "gzip")]):
        content = request(A, mips=2, fields=fields).replace(b" HTTP/1.1\r\n", b" HTTP/1.0\r\n", 1)
        with server.connect() as wire:
            wire.send(content)
            reply = wire.read()
            assert reply.status == 200 and reply.framing != "chunked" and reply.closes
            if reply.get("Content-Encoding"):
                assert reply.content[:2] == b"PK"
            else:
                levels_of(reply, "npz")
            if reply.framing == "length":
                wire.expect_closed()
