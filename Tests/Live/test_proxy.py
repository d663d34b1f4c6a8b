# SPDX-License-Identifier: Apache-2.0
"""config/nginx.conf in front of the real server: TLS and HTTP/2 outside, the same bytes as without it."""
import gzip
import re
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from support.arrays import levels_of, npy_bytes, target
from support.process import ROOT, free_port
from support.wire import Reply, parse_fields

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
CURL = shutil.which("curl")

pytestmark = [
    pytest.mark.skipif(NGINX is None, reason="nginx is missing: apt-get install nginx-light"),
    pytest.mark.skipif(CURL is None, reason="curl is missing: apt-get install curl"),
]


def exchanged(text, old, new):
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in config/nginx.conf"
    return text.replace(old, new)


class Proxy:
    """nginx with the shipped configuration; only its places are exchanged."""

    def __init__(self, folder, upstream):
        self.folder, self.port = folder, free_port()
        text = (ROOT / "config/nginx.conf").read_text()
        text = exchanged(text, "listen 443 ssl http2;", f"listen 127.0.0.1:{self.port} ssl http2;")
        text = exchanged(text, "        listen [::]:443 ssl http2;\n", "")
        text = exchanged(text, "server unix:/run/pyramidion/pyramidion.sock;", f"server {upstream};")
        text = exchanged(text, "pid /run/pyramidion-nginx.pid;", f"pid {folder}/pid;")
        places = "".join(
            f"    {kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        text = exchanged(text, "http {\n", "http {\n" + places)
        (folder / "nginx.conf").write_text("user root;\n" * (Path("/proc/self").stat().st_uid == 0) + text)
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
             "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", folder / "key.pem",
             "-out", folder / "certificate.pem"], check=True, capture_output=True,
        )
        self.log = open(folder / "log", "wb")
        self.process = subprocess.Popen(
            [NGINX, "-p", folder, "-c", folder / "nginx.conf", "-g", "daemon off;"], stdout=self.log, stderr=self.log
        )
        deadline = time.monotonic() + 20
        while self.ask("/healthz").status != 200:
            assert self.process.poll() is None and time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.02)

    def ask(self, where, *fields, body=None, version="--http2", framing="length"):
        """An answer through TLS, by curl; status 0: no connection."""
        options = [word for field in fields for word in ("--header", field)]
        if body is not None and framing == "length":
            # curl would call it a form.
            options += ["--data-binary", "@-"] + (["--header", "Content-Type:"] if "Content-Type:" not in str(fields) else [])
        elif body is not None:
            options += ["--upload-file", "-", "--request", "POST"]
        place = self.folder / "head"
        place.write_bytes(b"")
        done = subprocess.run(
            [CURL, "--silent", "--show-error", version, "--cacert", self.folder / "certificate.pem", "--dump-header", place,
             "--max-time", "60", "--resolve", f"localhost:{self.port}:127.0.0.1", *options,
             f"https://localhost:{self.port}{where}"],
            input=body, capture_output=True,
        )
        blocks = [block for block in place.read_bytes().split(b"\r\n\r\n") if block]
        if not blocks:
            return Reply(0, done.stderr.decode(), [])
        line, _, fields = blocks[-1].partition(b"\r\n")
        self.version, status = re.fullmatch(rb"(HTTP/[\d.]+) (\d{3}).*", line).groups()
        assert done.returncode == 0, done.stderr
        reply = Reply(int(status), "", parse_fields(fields), done.stdout)
        reply.framing = "length" if reply.get("Content-Length") else "chunked"
        return reply

    def stop(self):
        self.process.terminate()
        self.process.wait(20)
        self.log.close()


@pytest.fixture(scope="module", params=["unix", "tcp"])
def proxy(request, running, tmp_path_factory):
    upstream = f"unix:{running.unix}" if request.param == "unix" else f"127.0.0.1:{running.port}"
    proxy = Proxy(tmp_path_factory.mktemp(f"nginx-{request.param}"), upstream)
    yield proxy
    proxy.stop()


@pytest.fixture(scope="module")
def array():
    return np.random.default_rng(5).integers(0, 256, (512, 384, 40), np.uint8)


def post(array, **parameters):
    return target(shape=array.shape, dtype=array.dtype.name, **parameters), np.asfortranarray(array).tobytes("F")


@pytest.mark.parametrize("version", [b"HTTP/2", b"HTTP/1.1"], ids=["http2", "http1"])
@pytest.mark.parametrize("framing", ["length", "unknown"])
def test_an_upload_through_nginx_gives_the_same_bytes(server, proxy, array, version, framing):
    where, body = post(array, mips=3, format="npz")
    with server.connect() as wire:
        wire.send(b"POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (where.encode(), len(body)), body)
        direct = wire.read()
    flag = "--http2" if version == b"HTTP/2" else "--http1.1"
    through = proxy.ask(where, body=body, version=flag, framing=framing)
    assert proxy.version == version
    assert through.status == 200 and through.body == direct.body
    assert set(levels_of(through, "npz")) == {1, 2, 3}


def test_a_packed_upload_and_a_packed_answer_pass_through(proxy, array):
    smooth = np.asfortranarray(array // 64)
    body = gzip.compress(npy_bytes(smooth), 1)
    reply = proxy.ask(
        target(mips=2, format="npy"), "Content-Type: application/x-npy", "Content-Encoding: gzip", "Accept-Encoding: gzip",
        body=body,
    )
    assert reply["Content-Encoding"] == "gzip"
    levels = levels_of(reply, "npy")
    assert levels[2].shape == (128, 96, 40)


def test_a_refusal_comes_through_while_the_upload_goes_on(proxy, array):
    where, body = post(array, mips=1, method="best")
    reply = proxy.ask(where, body=body * 4)
    assert reply.status == 400, reply.body
    assert "method" in reply.problem["detail"]


def test_the_request_id_of_nginx_is_taken_over(proxy):
    reply = proxy.ask("/healthz")
    assert re.fullmatch("[0-9a-f]{32}", reply["X-Request-Id"])


def test_metrics_are_not_shown_outside(proxy):
    assert proxy.ask("/metrics").status == 404


def test_nothing_was_kept_on_a_disk(proxy, array):
    where, body = post(array, mips=1)
    assert proxy.ask(where, body=body).status == 200
    # Such files are removed at once, but nginx says that it wrote them.
    assert "buffered to a temporary file" not in (proxy.folder / "log").read_text()
