# SPDX-License-Identifier: Apache-2.0
"""Health, version, methods, CORS."""
import json
import re
import subprocess

import numpy as np
import pytest

from support.arrays import request, target
from support.process import Server, await_condition, run
from support.wire import head

GETS = ["/healthz", "/readyz", "/version"]


@pytest.mark.parametrize("path", GETS)
def test_get_and_head(path, server):
    get, only_head = server.get(path), server.get(path, method="HEAD")
    assert get.status == only_head.status == 200
    assert get.body and not only_head.body
    assert get["Content-Type"] == only_head["Content-Type"]
    assert only_head["Content-Length"] == get["Content-Length"] == str(len(get.body))


def test_version_is_the_programs_own(server):
    reply = server.get("/version")
    words = reply.body.decode()
    if reply["Content-Type"].startswith("application/json"):
        words = json.dumps(json.loads(words))
    printed = run("--version").stdout.decode().split()[-1]
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", printed), printed
    assert printed in words, (printed, words)


@pytest.mark.parametrize("path", ["/nothing", "/v1/pyramids", "/v1/pyramid/", "/v1", "/healthz/", "/../etc/passwd", "/%2e%2e/x"])
def test_no_such_resource_is_404(path, server):
    with server.connect() as wire:
        wire.send(head("GET", path))
        reply = wire.read("GET")
        assert reply.status in (404, 400)
        assert reply.problem
        wire.settle(reply)


@pytest.mark.parametrize("path,methods,allowed", [
    ("/v1/pyramid", ["GET", "HEAD", "PUT", "DELETE", "PATCH"], {"POST"}),
    *((path, ["POST", "PUT", "DELETE"], {"GET", "HEAD"}) for path in GETS),
])
def test_a_wrong_method_is_405_with_allow(path, methods, allowed, server):
    for method in methods:
        with server.connect() as wire:
            wire.send(head(method, path, [("Content-Length", 0)]))
            reply = wire.read(method)
            assert reply.status == 405, (method, reply.status)
            assert allowed <= {name.strip() for name in reply["Allow"].split(",")}, reply["Allow"]
            if method != "HEAD":
                assert reply.problem
            wire.settle(reply)


@pytest.mark.parametrize("method", ["BREW", "get", "CONNECT", "TRACE"])
def test_an_unknown_method_is_501(method, server):
    with server.connect() as wire:
        wire.send(head(method, "/healthz" if method != "CONNECT" else "localhost:80"))
        reply = wire.read("GET")
        assert reply.status == 501 or (method in ("CONNECT", "TRACE") and reply.status in (405, 400))
        assert reply.problem


@pytest.mark.parametrize("path", ["/v1/pyramid", "/healthz"])
def test_options_names_the_methods(path, server):
    reply = server.get(path, method="OPTIONS")
    assert reply.status in (200, 204)
    assert ("POST" if path == "/v1/pyramid" else "GET") in reply["Allow"]


@pytest.mark.parametrize("path", ["*", "/nothing", "/v1/nothing/at/all", "/precomputed/x"])
def test_options_of_the_server_as_a_whole_and_of_what_is_not_there(path, server):
    """204 everywhere: behind a preflight that fails a page could not even see the 404."""
    fields = [("Origin", "https://viewer.example"), ("Access-Control-Request-Method", "GET")]
    reply = server.get(path, method="OPTIONS", fields=fields)
    assert reply.status == 204 and "GET" in reply["Allow"]
    assert reply["Access-Control-Allow-Origin"] and "GET" in reply["Access-Control-Allow-Methods"]


def test_preflight(server):
    reply = server.get("/v1/pyramid", method="OPTIONS", fields=[
        ("Origin", "https://viewer.example"), ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "content-type, content-encoding"),
    ])
    assert reply.status in (200, 204)
    assert reply["Access-Control-Allow-Origin"] in ("*", "https://viewer.example")
    assert "POST" in reply["Access-Control-Allow-Methods"]
    allowed = {name.strip().lower() for name in reply["Access-Control-Allow-Headers"].split(",")}
    assert "*" in allowed or {"content-type", "content-encoding"} <= allowed


def test_every_answer_carries_its_cors_fields(server):
    origin = ("Origin", "https://viewer.example")
    a = np.zeros((4, 4, 4), np.uint8)
    sent = {
        "an answer": (request(a, fields=[origin]), 200),
        "a bad parameter": (request(a, method="best", fields=[origin]), 400),
        "no such resource": (head("GET", "/nothing", [origin]), 404),
        "no such method": (head("DELETE", "/healthz", [origin]), 405),
        "an unknown type": (head("POST", target(), [origin, ("Content-Type", "image/png"), ("Content-Length", 0)]), 415),
        "health": (head("GET", "/healthz", [origin]), 200),
    }
    for what, (content, status) in sent.items():
        with server.connect() as wire:
            wire.send(content)
            reply = wire.read()
            assert reply.status == status, what
            assert reply["Access-Control-Allow-Origin"] in ("*", origin[1]), what
            if what == "an answer":
                exposed = {name.strip().lower() for name in reply["Access-Control-Expose-Headers"].split(",")}
                assert "*" in exposed or {"pyramid-levels", "pyramid-dtype", "pyramid-order"} <= exposed, exposed


def test_metrics_are_what_prometheus_reads():
    """After every kind of request: `promtool check metrics` parses the text, and finds nothing to say about names and types."""
    a = np.zeros((64, 64, 64), np.uint8)
    with Server(config="limits: {voxels: 1000000}\n") as server:
        for content, status in [
            (request(a), 200), (request(a, method="mode", coding="gzip", fields=[("Accept-Encoding", "gzip")]), 200),
            (request(a, method="best"), 400), (head("POST", target(shape=2000000, dtype="uint8"), [("Content-Length", 2000000)]), 413),
            (head("GET", "/no\"thing\\"), 400), (head("GET", "/nothing"), 404),
        ]:
            with server.connect() as wire:
                wire.send(content)
                assert wire.read().status == status
        with server.connect() as wire:
            wire.send(request(a)[:-1])
        await_condition(lambda: b'status="499"' in server.get("/metrics").body, "a client that left is not counted")
        text = server.get("/metrics").body
        assert server.stop() == 0
    for family in [
        b'pyramidion_requests_total{route="/v1/pyramid",method="POST",status="200"} 2',
        b'pyramidion_requests_total{route="other",method="GET",status="404"} 1',
        b'pyramidion_refusals_total{limit="limits.voxels"} 1', b"pyramidion_protocol_errors_total 1",
        b'pyramidion_voxels_total{method="mode",dtype="uint8"} 262144',
    ]:
        assert family in text, (family, text.decode())
    for name in [
        b"pyramidion_request_duration_seconds_bucket", b"pyramidion_request_body_bytes_sum", b"pyramidion_answer_body_bytes_count",
        b"pyramidion_connections", b"pyramidion_lanes_busy", b"pyramidion_lane_queue", b"pyramidion_memory_admitted_bytes",
        b"pyramidion_compression_bytes_total", b"pyramidion_build_info", b"pyramidion_pyramids_waiting",
    ]:
        assert re.search(rb"^" + name + rb"(\{.*\})? [0-9.e+]+$", text, re.M), name
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_healthcheck_says_what_readyz_says(server):
    for url in (server.url, server.url + "/readyz"):
        assert run("healthcheck", url).returncode == 0
    gone = run("healthcheck", "http://127.0.0.1:1")
    assert gone.returncode == 1
    assert gone.stderr.strip() and b"\n" not in gone.stderr.strip()
