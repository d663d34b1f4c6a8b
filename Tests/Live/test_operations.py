# SPDX-License-Identifier: Apache-2.0
"""Health, version, methods, CORS."""
import json
import re

import numpy as np
import pytest

from support.arrays import request, target
from support.process import run
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


def test_options_of_the_server_as_a_whole(server):
    assert server.get("*", method="OPTIONS").status in (200, 204)


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


def test_healthcheck_says_what_readyz_says(server):
    for url in (server.url, server.url + "/readyz"):
        assert run("healthcheck", url).returncode == 0
    gone = run("healthcheck", "http://127.0.0.1:1")
    assert gone.returncode == 1
    assert gone.stderr.strip() and b"\n" not in gone.stderr.strip()
