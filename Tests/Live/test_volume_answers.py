# SPDX-License-Identifier: Apache-2.0
"""Chunks and infos as HTTP: tags, conditions, ranges, codings, CORS, names."""
import gzip
import random

import pytest

from support.volumes import info, picture, serving, targets, write
from support.wire import head

CORS = [("Origin", "https://viewer.example")]
EXPOSED = {"ETag", "Content-Range", "Content-Encoding", "Content-Length", "Accept-Ranges", "Retry-After"}


@pytest.fixture(scope="module")
def volume(tmp_path_factory):
    """A server of one volume `v` of three levels, beside one that has no source."""
    place = tmp_path_factory.mktemp("answers")
    write(place / "v", picture(random.Random(5), (70, 50, 20), "uint8"), begin=(-7, 5, 3))
    volumes = {"v": {"source": place / "v", "mips": 2}, "gone": {"source": place / "gone"}}
    with serving(place, volumes) as server:
        yield server


@pytest.fixture(params=["info", 0, 1])
def thing(request, volume):
    """An info, a chunk of the source, a chunk that was made."""
    return "/precomputed/v/info" if request.param == "info" else targets(volume, "v", request.param)[0]


def test_head_is_get_without_its_body(thing, volume):
    """HEAD has the fields of GET, the length too."""
    get, only_head = volume.get(thing), volume.get(thing, method="HEAD")
    for name in ("Content-Type", "Content-Length", "ETag", "Cache-Control", "Accept-Ranges"):
        assert get[name] == only_head[name]
    assert get.status == only_head.status == 200 and not only_head.body


def test_a_tag_is_strong_and_stays(thing, volume):
    """The same bytes have the same strong tag."""
    first, second = volume.get(thing), volume.get(thing)
    assert first["ETag"] == second["ETag"] and first["ETag"].startswith('"')
    assert first.body == second.body


@pytest.mark.parametrize("spell", ["{}", "W/{}", '"other", {}', "*"])
def test_a_known_version_is_304(spell, thing, volume):
    """If-None-Match compares weakly, takes lists and *."""
    tag = volume.get(thing)["ETag"]
    reply = volume.get(thing, [("If-None-Match", spell.format(tag))])
    assert reply.status == 304 and reply["ETag"] == tag and not reply.body


def test_another_version_is_sent(thing, volume):
    """An If-None-Match that names other versions changes nothing."""
    assert volume.get(thing, [("If-None-Match", '"other"')]).status == 200


@pytest.mark.parametrize("spell,status", [("{}", 200), ("*", 200), ('"other", {}', 200), ('"other"', 412), ("W/{}", 412)])
def test_if_match_is_strong(spell, status, thing, volume):
    """If-Match passes for this version alone, as tensorstore sends it; a weak tag never matches."""
    reply = volume.get(thing, [("If-Match", spell.format(volume.get(thing)["ETag"]))])
    assert reply.status == status
    assert status == 200 or reply.problem


@pytest.mark.parametrize("text,begin,end", [
    ("bytes=0-0", 0, 1), ("bytes=3-9", 3, 10), ("bytes=5-", 5, None), ("bytes=-4", -4, None),
    ("bytes=2-99999999999", 2, None), ("bytes=-99999999", 0, None),
    ("bytes=2-99999999999999999999", 2, None), ("bytes=-99999999999999999999", 0, None),
])
def test_a_range_is_206(text, begin, end, thing, volume):
    """A single range is that part of the bytes, with its place among them, and never packed."""
    whole = volume.get(thing).body
    reply = volume.get(thing, [("Range", text), ("Accept-Encoding", "gzip")])
    part = whole[begin:end]
    first = whole.index(part) if begin == 0 else begin % len(whole)
    assert reply.status == 206 and reply.body == part
    assert reply["Content-Range"] == f"bytes {first}-{first + len(part) - 1}/{len(whole)}"
    assert reply.get("Content-Encoding", "identity") == "identity"


@pytest.mark.parametrize("text", [
    "bytes=99999999-", "bytes=-0", "bytes=999999999999999999-", "bytes=18446744073709551616-",
    "bytes=99999999999999999999-", "bytes=99999999999999999999-99999999999999999999",
])
def test_a_range_beyond_the_end_is_416(text, thing, volume):
    """The answer says how many bytes there are."""
    whole = volume.get(thing).body
    reply = volume.get(thing, [("Range", text)])
    assert reply.status == 416 and reply.problem
    assert reply["Content-Range"] == f"bytes */{len(whole)}"


@pytest.mark.parametrize("text", ["bytes=0-1,3-4", "lines=0-1", "bytes=5-2", "bytes=x-", "bytes=-"])
def test_what_is_no_single_range_is_ignored(text, thing, volume):
    """Several ranges, other units and what is no range get the whole."""
    reply = volume.get(thing, [("Range", text)])
    assert reply.status == 200 and reply.body == volume.get(thing).body


def test_a_range_of_another_version_is_the_whole(thing, volume):
    """If-Range holds for its version alone."""
    tag = volume.get(thing)["ETag"]
    assert volume.get(thing, [("Range", "bytes=0-1"), ("If-Range", tag)]).status == 206
    assert volume.get(thing, [("Range", "bytes=0-1"), ("If-Range", '"other"')]).status == 200


@pytest.mark.parametrize("level", [0, 1])
def test_gzip_has_a_tag_of_its_own(level, volume):
    """The packed form is another representation of the same bytes."""
    target = targets(volume, "v", level)[0]
    plain, packed = volume.get(target), volume.get(target, [("Accept-Encoding", "gzip")])
    assert packed["Content-Encoding"] == "gzip" and gzip.decompress(packed.body) == plain.body
    assert packed["ETag"] != plain["ETag"]
    assert "accept-encoding" in packed["Vary"].lower() and "accept-encoding" in plain["Vary"].lower()
    known = [("Accept-Encoding", "gzip"), ("If-None-Match", packed["ETag"])]
    assert volume.get(target, known).status == 304


@pytest.mark.parametrize("target,fields,status", [
    ("/precomputed/v/info", [], 200),
    ("/precomputed/v/info", [("If-None-Match", "*")], 304),
    ("/precomputed/v/info", [("If-Match", '"other"')], 412),
    ("/precomputed/v/info", [("Range", "bytes=0-3")], 206),
    ("/precomputed/v/info", [("Range", "bytes=999999-")], 416),
    ("/precomputed/nothing/info", [], 404),
    ("/precomputed/v/8_8_40/0-1_0-1_0-1", [], 404),
    ("/precomputed/gone/info", [], 502),
])
def test_a_page_may_read_every_answer(target, fields, status, volume):
    """CORS is on errors and on answers without a body too, and exposes the fields that viewers read."""
    reply = volume.get(target, [*fields, *CORS])
    assert reply.status == status
    assert reply["Access-Control-Allow-Origin"] == "*"
    assert EXPOSED <= {name.strip() for name in reply["Access-Control-Expose-Headers"].split(",")}


@pytest.mark.parametrize("target,method", [
    ("/precomputed/v/info", "GET"), ("/precomputed/v/8_8_40/0-1_0-1_0-1", "GET"), ("/v1/volumes/v", "PUT"),
    ("/v1/volumes/v", "DELETE"), ("/v1/volumes/v/cutout", "GET"), ("/zarr/v/.zattrs", "GET"),
])
def test_a_preflight_is_answered(target, method, volume):
    """OPTIONS says which methods and fields a page may send."""
    fields = [*CORS, ("Access-Control-Request-Method", method), ("Access-Control-Request-Headers", "range, if-match")]
    reply = volume.get(target, fields, method="OPTIONS")
    assert reply.status == 204
    assert method in reply["Access-Control-Allow-Methods"].split(", ")
    assert {"range", "if-match"} <= {name.strip().lower() for name in reply["Access-Control-Allow-Headers"].split(",")}


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "PATCH"])
@pytest.mark.parametrize("target", ["/precomputed/v/info", "/precomputed/v/8_8_40/0-1_0-1_0-1", "/zarr/v/.zattrs", "/v1/volumes"])
def test_nobody_writes_where_only_reading_is(method, target, volume):
    """Another method is a 405 with those that are allowed."""
    with volume.connect() as wire:
        wire.send(head(method, target, [("Content-Length", 0)]))
        reply = wire.read(method)
    assert reply.status == 405 and reply.problem and "GET" in reply["Allow"]


def test_there_is_no_provenance(volume):
    """cloud-volume asks for it at every open, and takes 404 for none."""
    assert volume.get("/precomputed/v/provenance").status == 404


@pytest.mark.parametrize("name", [
    "..", ".", "%2e%2e", "%2E%2E", "%2e", "v%2f..", "v%2fv", "..%2fv", "v%00", "%00", "V", "v%20", ".v", "-v", "_v", "v" * 129,
    "%ff", "v%5cinfo", "%c3%a4", "v%0a", "%25",
])
def test_a_name_outside_the_grammar_names_nothing(name, volume):
    """Dots, slashes, NUL, capitals, bytes beyond ASCII, packed or not: nothing is served, nothing breaks."""
    for target in (f"/precomputed/{name}/info", f"/v1/volumes/{name}", f"/zarr/{name}/.zattrs", f"/v1/volumes/{name}/cutout"):
        with volume.connect() as wire:
            wire.send(head("GET", target))
            reply = wire.read("GET")
        assert reply.status in (400, 404), (target, reply.status)
        assert reply.problem


@pytest.mark.parametrize("key", [
    "..", "../info", "8_8_40/..", "8_8_40/../info", "8_8_40%2f-7-25_5-37_3-19", "%2e%2e/info", "8_8_40/%2e%2e/%2e%2e/info",
    "8_8_40", "8_8_40/", "8_8_41/-7-25_5-37_3-19", "info/", "infos", "8_8_40/info", "8_8_40/-7-25_5-37_3-19.gz", ".tmp", "8_8_40/x",
])
def test_a_path_that_is_no_chunk_is_404(key, volume):
    """No way leads out of a volume's folder, nor to a file in it that is no chunk."""
    with volume.connect() as wire:
        wire.send(head("GET", f"/precomputed/v/{key}"))
        reply = wire.read("GET")
    assert reply.status in (400, 404), (key, reply.status, reply.body)
    assert reply.problem


HUGE = 1 << 70


@pytest.mark.parametrize("chunk", [
    "57-89_5-37_3-19", "63-95_5-37_3-19", "-39--7_5-37_3-19", "-6-26_5-37_3-19", "-7-26_5-37_3-19", "-7-25_5-37_3-20", "0-32_0-32_0-16",
    "25--7_5-37_3-19", "-7--7_5-37_3-19", f"{HUGE}-{HUGE + 32}_5-37_3-19", f"-{HUGE}--{HUGE - 32}_5-37_3-19",
    f"-7-{2**63 - 1}_5-37_3-19", f"-{2**63}-25_5-37_3-19", "9223372036854775807-9223372036854775808_5-37_3-19", "-07-25_5-37_3-19",
    "+7-25_5-37_3-19", "-7-25_5-37", "-7-25_5-37_3-19_0-1", "-7-25_5-37_3-19 ", "-7-25,5-37,3-19", "--7-25_5-37_3-19", "0x1-2_5-37_3-19",
])
def test_a_box_that_is_no_chunk_is_404(chunk, volume):
    """Off the grid, outside, clipped otherwise, negative, or larger than any number: each a 404 that says what there is."""
    for key in ("8_8_40", "16_16_40"):
        reply = volume.get(f"/precomputed/v/{key}/{chunk.replace(' ', '%20')}")
        assert reply.status == 404, (reply.status, reply.body)
        assert reply.problem


def test_every_chunk_of_the_grid_is_there(volume):
    """What the tests above are refused is refused for its name alone."""
    for level in range(len(info(volume, "v")["scales"])):
        for target in targets(volume, "v", level):
            assert volume.get(target).status == 200
