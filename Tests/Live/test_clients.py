# SPDX-License-Identifier: Apache-2.0
"""Clients that people use read every answer: requests with numpy, curl, Node."""
import gzip
import hashlib
import io
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import requests

import pyramid_reference as reference
from support.arrays import ACCEPT, FORMATS, npy_bytes, parse_multipart, same, target
from support.process import ROOT

EM = ROOT / "Tests/Data/demo-em.npy.gz"
LABELS = ROOT / "Tests/Data/demo-labels.npy.gz"


def load(path):
    return np.load(io.BytesIO(gzip.decompress(path.read_bytes())))


@pytest.fixture(scope="module")
def cases():
    """Real data: grey values averaged, neurons by mode; by what is asked: the file, the query, the levels."""
    em, labels = load(EM), load(LABELS)
    assert em.shape == labels.shape == (128, 128, 64)
    return {
        "em": (EM, em, dict(mips=4), reference.averaging(em, (2, 2, 1), 4)),
        "labels": (LABELS, labels, dict(method="mode", factor="2,2,2", mips=3),
                   reference.segmentation(labels, (2, 2, 2), 3)),
    }


def read_with_numpy(form, content, headers):
    """As the README tells people to read them."""
    if form == "npz":
        with np.load(io.BytesIO(content)) as file:
            return [file[name] for name in file.files]
    if form == "npy":
        stream, arrays = io.BytesIO(content), []
        while stream.tell() < len(content):
            arrays.append(np.load(stream))
        return arrays
    if form == "multipart":
        return [np.load(io.BytesIO(body)) for _, body in parse_multipart(headers["Content-Type"], content)]
    arrays, at = [], 0
    dtype, order = np.dtype(headers["Pyramid-Dtype"]), headers["Pyramid-Order"]
    for item in headers["Pyramid-Levels"].split(", "):
        shape = tuple(map(int, item.strip("()").split()[1:]))
        count = int(np.prod(shape))
        arrays.append(np.frombuffer(content, dtype, count, at).reshape(shape, order=order))
        at += count * dtype.itemsize
    return arrays


def equal(got, want):
    assert len(got) == len(want)
    return all(same(np.asarray(a), b) for a, b in zip(got, want))


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", ["em", "labels"])
def test_requests(name, form, cases, server):
    """`requests` asks for gzip by itself and undoes it by itself."""
    path, a, parameters, want = cases[name]
    for body, headers in (
        (path.read_bytes(), {"Content-Type": "application/x-npy", "Content-Encoding": "gzip"}),
        (npy_bytes(a), {"Content-Type": "application/x-npy"}),
        (iter([npy_bytes(a)[i:i + 100_000] for i in range(0, a.nbytes + 1000, 100_000)]), {"Content-Type": "application/x-npy"}),
    ):
        reply = requests.post(server.url + "/v1/pyramid", params=parameters, data=body, timeout=60,
                              headers={**headers, "Accept": ACCEPT[form]})
        assert reply.status_code == 200, reply.text
        assert reply.headers["Content-Encoding"] == "gzip"
        assert equal(read_with_numpy(form, reply.content, reply.headers), want)


def test_requests_streams_npy_level_by_level(cases, server):
    path, a, parameters, want = cases["em"]
    reply = requests.post(
        server.url + "/v1/pyramid", params=parameters, data=npy_bytes(a), stream=True, timeout=60,
        headers={"Content-Type": "application/x-npy", "Accept": "application/x-npy", "Accept-Encoding": "identity"})
    assert equal([np.load(io.BytesIO(reply.raw.read(b.nbytes + 128))) for b in want], want)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "compressed"])
@pytest.mark.parametrize("name", ["em", "labels"])
def test_curl(name, compressed, form, cases, server, tmp_path):
    """With curl's own Expect: 100-continue for large bodies, its gzip, and over the Unix socket."""
    path, a, parameters, want = cases[name]
    url = target(**parameters)
    for transport in (["http://localhost" + url, "--unix-socket", str(server.unix)], [server.url + url]):
        subprocess.run([
            "curl", "--silent", "--show-error", "--fail", "--output", tmp_path / "answer", "--dump-header",
            tmp_path / "head", *(["--compressed"] if compressed else []), "--header", "Content-Type: application/x-npy",
            "--header", "Content-Encoding: gzip", "--header", f"Accept: {ACCEPT[form]}", "--data-binary", f"@{path}",
            *transport,
        ], check=True, timeout=60)
        lines = (tmp_path / "head").read_bytes().decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines if ": " in line)
        assert ("Content-Encoding" in headers) == compressed
        assert equal(read_with_numpy(form, (tmp_path / "answer").read_bytes(), headers), want)


def test_curl_uploads_a_raw_stream_in_chunks(cases, server, tmp_path):
    _, a, _, want = cases["em"]
    url = server.url + target(shape=a.shape, dtype="uint8", mips=4)
    subprocess.run(
        ["curl", "--silent", "--show-error", "--fail", "--output", tmp_path / "answer.npz", "--request", "POST",
         "--header", "Transfer-Encoding: chunked", "--header", "Content-Type: application/octet-stream",
         "--upload-file", "-", url], input=a.tobytes("F"), check=True, timeout=60)
    with np.load(tmp_path / "answer.npz") as file:
        assert equal([file[f"mip{mip}"] for mip in range(1, 5)], want)


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", ["em", "labels"])
def test_node(name, form, cases, server):
    """Node's fetch, and a reader of each format in 20 lines: shapes, types, order and every byte."""
    _, a, parameters, want = cases[name]
    done = subprocess.run(
        ["node", Path(__file__).with_name("client.mjs"), server.url + target(**parameters), ACCEPT[form]],
        input=npy_bytes(a), capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    levels = json.loads(done.stdout)
    assert [level["name"] for level in levels] == [f"mip{mip}.npy" for mip in range(1, len(want) + 1)]
    for level, b in zip(levels, want):
        assert (level["descr"], level["order"], tuple(level["shape"])) == (b.dtype.str, "F", b.shape)
        assert level["sha256"] == hashlib.sha256(b.tobytes("F")).hexdigest()
