# SPDX-License-Identifier: Apache-2.0
"""Uploads that cannot be: parameters, names, folders, tokens."""
import tempfile
from math import prod

import numpy as np
import pytest

from support.process import Server
from support.volumes import configuration, picture, remains, targets, upload, write
from support.wire import head

BAD = [
    ("kind", dict(kind="picture")), ("kind", dict(kind="segmentation", dtype="float32")),
    ("dtype", dict(dtype="int64")), ("dtype", dict(dtype="float64")), ("dtype", dict(dtype="float16")),
    ("encoding", dict(encoding="gif")), ("encoding", dict(encoding="jpeg", dtype="uint16")),
    ("encoding", dict(encoding="jpeg", kind="segmentation")), ("encoding", dict(encoding="compressed_segmentation")),
    ("encoding", dict(encoding="png", dtype="float32")),
    *(("chunk_size", dict(chunk_size=text)) for text in ("0,8,8", "8,8", "8,8,8,8", "2147483648,1,1", "-1,8,8", "8,8,x", "8,x,8,8", "4096,4096,4096", "")),
    *(("resolution", dict(resolution=text)) for text in ("0,1,1", "-8,8,8", "nan,1,1", "inf,1,1", "8,8", "1e400,1,1", "x,1,1", "8,x,8,8", "")),
    *(("voxel_offset", dict(voxel_offset=text)) for text in ("0,0", "0.5,0,0", f"{2**70},0,0", "x,0,0", "0,x,0,0", f"{2**63},0,0")),
    *(("factor", dict(factor=text)) for text in ("1,1,1", "0,2,1", "2,2,2,2", "2,x,2", "x", "65,1,1")),
    *(("mips", dict(mips=text)) for text in ("33", "-1", "x")),
    ("precision", dict(precision="rough")), ("precision", dict(precision="compat", dtype="float32", chunk_size="2,2,2")),
    *(("sparse", dict(method=method, sparse="true", chunk_size=size)) for method in ("min", "max", "stride") for size in ("2,2,2", "64,64,64")),
    *(("precision", dict(precision="compat", sparse="true", chunk_size=size, mips=mips)) for size, mips in (("2,2,2", "1"), ("64,64,64", "0"))),
    ("method", dict(method="mean")), ("levels", dict(levels="1")), ("format", dict(format="npz")), ("nothing", dict(nothing="1")),
    ("shape", dict(shape="8,8,8,2", kind="segmentation")), ("shape", dict(shape="8,8,8,1,1")), ("shape", dict(shape="8,8,0")),
]


@pytest.mark.parametrize("word,change", BAD)
def test_a_bad_parameter_is_400_and_named(word, change, name, storing):
    """What cannot be a volume is refused before its body, with the parameter's name."""
    parameters = dict(shape="8,8,8", dtype="uint8") | change
    query = "&".join(f"{key}={value}" for key, value in parameters.items())
    with storing.connect() as wire:
        sizes = [int(size) for size in parameters["shape"].split(",")]
        width = np.dtype(parameters["dtype"]).itemsize
        fields = [("Content-Length", prod(sizes) * width), ("Expect", "100-continue")]
        wire.send(head("PUT", f"/v1/volumes/{name}?{query}", fields))
        reply = wire.read("PUT")
    assert reply.status == 400, (reply.status, reply.body)
    assert not reply.interim, "the body was asked for"
    detail = reply.problem["detail"]
    assert detail.startswith(f"The parameter `{word}`: ") and detail.count("The parameter") == 1, detail
    assert detail.endswith(".") and not detail.endswith(".."), detail
    assert storing.get(f"/v1/volumes/{name}").status == 404


def test_a_part_is_not_stored_for_the_whole(name, storing):
    """A PUT with Content-Range is 400 before its body is asked for (RFC 9110, 14.5)."""
    with storing.connect() as wire:
        fields = [("Content-Length", 8), ("Content-Range", "bytes 0-7/80"), ("Expect", "100-continue")]
        wire.send(head("PUT", f"/v1/volumes/{name}?shape=2,2,2&dtype=uint8", fields))
        reply = wire.read("PUT")
    assert reply.status == 400 and "Content-Range" in reply.problem["detail"] and not reply.interim
    assert storing.get(f"/v1/volumes/{name}").status == 404


@pytest.mark.parametrize("bad", ["V", ".v", "-v", "v%20v", "v" * 129, "v%00", "v%2fv"])
def test_a_bad_name_is_refused(bad, storing):
    """A name outside the grammar makes no folder."""
    before = remains(storing.data)
    with storing.connect() as wire:
        wire.send(head("PUT", f"/v1/volumes/{bad}?shape=2,2,2&dtype=uint8", [("Content-Length", 8)]) + b"12345678")
        assert wire.read("PUT").status in (400, 404)
    assert remains(storing.data) <= before


def test_nothing_is_uploaded_without_a_data_folder(dice):
    """`data: null` is 507, for PUT and DELETE."""
    with Server(config="data: null\n") as server:
        assert upload(server, "v", picture(dice, (8, 8, 8), "uint8")[..., 0]).status == 507
        assert server.get("/v1/volumes/v", method="DELETE").status == 507


def test_a_data_folder_that_is_none_is_507(dice, tmp_path):
    """A file where its parent should be: an upload says that it cannot be kept, and a source is passed on."""
    (tmp_path / "data").write_text("a file")
    write(tmp_path / "v", picture(dice, (45, 31, 11), "uint8"))
    config = configuration({"v": {"source": tmp_path / "v", "mips": 0}})
    with Server("--data", str(tmp_path / "data/x"), config=config) as server:
        reply = upload(server, "u", picture(dice, (8, 8, 8), "uint8")[..., 0])
        assert reply.status == 507 and "data" in reply.problem["detail"]
        assert server.get(targets(server, "v", 0)[0]).status == 200


def test_a_source_is_read_where_nothing_can_be_kept(dice, tmp_path):
    """A data folder that cannot be written costs the keeping of levels, not their reading."""
    (tmp_path / "data").write_text("a file")
    array = picture(dice, (45, 31, 11), "uint8")
    write(tmp_path / "v", array)
    config = configuration({"v": {"source": tmp_path / "v", "mips": 1}})
    with Server("--data", str(tmp_path / "data/x"), config=config) as server:
        assert server.get(targets(server, "v", 1)[0]).status == 200


def test_beyond_loopback_nobody_writes_without_tokens(dice, tmp_path):
    """Listening on 0.0.0.0 without tokens: reading as ever, PUT and DELETE are 403."""
    with Server("--data", str(tmp_path), "--listen", "0.0.0.0:0") as server:
        assert upload(server, "v", picture(dice, (8, 8, 8), "uint8")[..., 0]).status == 403
        assert server.get("/v1/volumes/v", method="DELETE").status == 403
        assert server.get("/v1/volumes").status == 200


@pytest.mark.parametrize("origins,fields,may", [
    ('["*"]', [("Sec-Fetch-Site", "cross-site"), ("Origin", "https://page.example")], False),
    ('["*"]', [("Sec-Fetch-Site", "same-origin")], True),
    ('["*"]', [("Sec-Fetch-Site", "same-site"), ("Origin", "http://localhost:3000")], True),
    ('["*"]', [("Origin", "https://page.example")], True),  # no browser's page
    ('["https://page.example"]', [("Sec-Fetch-Site", "cross-site"), ("Origin", "https://page.example")], True),
    ('["https://page.example"]', [("Sec-Fetch-Site", "cross-site"), ("Origin", "https://other.example")], False),
])
def test_pages_of_other_sites_write_only_if_they_are_named(origins, fields, may, dice, tmp_path):
    """Without tokens, a page that somebody happens to look at neither adds nor removes a volume; it may read."""
    array = picture(dice, (8, 8, 8), "uint8")[..., 0]
    with Server("--data", str(tmp_path), config=f"cors: {{origins: {origins}}}\n") as server:
        assert upload(server, "v", array, fields=fields).status == (201 if may else 403)
        upload(server, "w", array)
        assert server.get("/v1/volumes/w", fields).status == 200
        reply = server.get("/v1/volumes/w", fields, method="DELETE")
        assert reply.status == (204 if may else 403)
        assert may or "cors.origins" in reply.problem["detail"]


def test_tokens_have_scopes(dice, tmp_path):
    """A token to read does not write, one to write does both, and without any there is nothing."""
    (tmp_path / "tokens").write_text("reading-reading-reading read\nwriting-writing-writing write\n")
    array = picture(dice, (8, 8, 8), "uint8")[..., 0]
    reader = [("Authorization", "Bearer reading-reading-reading")]
    writer = [("Authorization", "Bearer writing-writing-writing")]
    settings = f"tokens: {tmp_path}/tokens\n"
    with Server("--data", str(tmp_path / "data"), config=settings) as server:
        assert upload(server, "v", array).status == 401
        assert upload(server, "v", array, fields=reader).status == 403
        assert upload(server, "v", array, fields=writer).status == 201
        for path in ("/v1/volumes/v", "/precomputed/v/info", "/v1/volumes/v/cutout", "/zarr/v/.zattrs"):
            assert server.get(path).status == 401
            assert server.get(path, reader).status == server.get(path, writer).status == 200
            assert server.get(f"{path}?access_token=reading-reading-reading").status == 200, path
        assert server.get("/v1/volumes/v", reader, method="DELETE").status == 403
        assert server.get("/v1/volumes/v", writer, method="DELETE").status == 204


def test_no_more_volumes_than_the_limit(dice, tmp_path):
    """Beyond limits.uploads there is no new volume; replacing one is none, and removing one makes room."""
    array = picture(dice, (8, 8, 8), "uint8")[..., 0]
    with Server("--data", str(tmp_path / "data"), config="limits: {uploads: 1}\n") as server:
        assert upload(server, "v", array).status == 201
        reply = upload(server, "w", array)
        assert reply.status == 507 and "limits.uploads" in reply.problem["detail"], reply.body
        assert upload(server, "v", array, fields=[("If-Match", "*")]).status == 201
        assert server.get("/v1/volumes/v", method="DELETE").status == 204
        assert upload(server, "w", array).status == 201


@pytest.mark.parametrize("mips,count", [("9", 9), ("all", 3)])
def test_more_mips_than_allowed_are_413(mips, count, dice):
    """limits.mips holds for uploads as it does for pyramids; what is within it works."""
    array = picture(dice, (16, 16, 16), "uint8")[..., 0]
    with tempfile.TemporaryDirectory() as data, Server("--data", data, config="limits: {mips: 2}\n") as server:
        reply = upload(server, "v", array, mips=mips, chunk_size="2,2,16", factor="2,2,1")
        assert reply.status == 413, (reply.status, reply.body)
        assert "`limits.mips`" in reply.problem["detail"] and f"{count} mips" in reply.problem["detail"]
        assert server.get("/v1/volumes/v").status == 404
        assert upload(server, "v", array, mips="2", chunk_size="2,2,16", factor="2,2,1").status == 201
        assert upload(server, "w", array, mips="all", chunk_size="4,4,16", factor="2,2,1").status == 201
