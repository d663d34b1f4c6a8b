# SPDX-License-Identifier: Apache-2.0
"""Through sockets: POST against a sink that only reads and writes, against the library in process, against zlib."""
import contextlib
import gzip
import io
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

import numpy as np
import tinybrain

from harness import Kernels, Row, ratio, ratio_and_floor, seconds
from kernel_rows import noise, real_labels
from support.arrays import target
from support.process import MIB, Server, clean_environment, free_port
from support.wire import Wire, head

CASES = [
    ("1024x1024x100 uint8 average 2x2x1, 1 mip", "grey", dict(mips=1), False),
    ("1024x1024x100 uint8 average 2x2x1, 5 mips", "grey", dict(mips=5), True),
    ("1024x1024x100 uint8 average 2x2x2, 5 mips", "grey", dict(factor=(2, 2, 2), mips=5), True),
    ("512x512x64 uint64 mode 2x2x1, 4 mips", "labels", dict(method="mode", mips=4), True),
    ("512x512x64 uint64 mode 2x2x2, 4 mips", "labels", dict(method="mode", factor=(2, 2, 2), mips=4), True),
    ("512x512x64 uint64 mode 2x2x1 sparse, 1 mip", "labels", dict(method="mode", sparse=True), True),
]


class Client:
    """One kept connection; reads into one buffer, as a client that can keep up does."""

    def __init__(self, address):
        self.wire = Wire(address, timeout=120)
        self.buffer = memoryview(bytearray(4 * MIB))

    def post(self, request, *body):
        """Sends a request and reads its answer to the end; the number of bytes of its body."""
        self.wire.send(request, *body)
        self.sent = time.perf_counter()
        reply = self.wire_head()
        if reply.get(b"transfer-encoding") == b"chunked":
            return self.read_chunks()
        length = int(reply[b"content-length"])
        left = length - len(self.wire.pending)
        self.wire.pending.clear()
        while left > 0:
            left -= self.wire.socket.recv_into(self.buffer)
        assert left == 0
        return length

    def read_chunks(self):
        """The bytes of a chunked body, which are dropped; the tests' own reader copies all it has for every chunk."""
        block, total, left, line, ended = bytes(self.wire.pending), 0, 0, b"", False
        self.wire.pending.clear()
        while True:
            at = 0
            while at < len(block):
                if left:
                    step = min(left, len(block) - at)
                    left, at = left - step, at + step
                    continue
                end = bytes(block[at:at + 64]).find(b"\n")
                if end < 0:
                    line, at = line + bytes(block[at:]), len(block)
                    continue
                line, at = line + bytes(block[at:at + end]), at + end + 1
                size, line = line.strip(), b""
                if not size:
                    if ended:
                        return total
                    continue  # the end of a chunk's data
                left = int(size, 16)
                total, ended = total + left, left == 0
            block = self.buffer[:self.wire.socket.recv_into(self.buffer)]
            assert len(block), "cut off"

    def wire_head(self):
        block = self.wire._until(b"\r\n\r\n")
        lines = block.lower().split(b"\r\n")
        assert lines[0].startswith(b"http/1.1 200"), block
        return dict(line.split(b": ", 1) for line in lines[1:])


def query(a, **parameters):
    return target(shape=a.shape, dtype=a.dtype.name, format="raw", **parameters)


def library(a, parameters):
    factor, mips = parameters.get("factor", (2, 2, 1)), parameters.get("mips", 1)
    if parameters.get("method") == "mode":
        sparse = parameters.get("sparse", False)
        return lambda: seconds(lambda: tinybrain.downsample_segmentation(a, factor, num_mips=mips, sparse=sparse))
    return lambda: seconds(lambda: tinybrain.downsample_with_averaging(a, factor, num_mips=mips))


def posts(program, root, rounds):
    """The six cases over both kinds of socket."""
    arrays = {
        "grey": noise((1024, 1024, 100), "uint8"),
        "labels": np.asfortranarray(real_labels(root)[:, :, :64]),
    }
    with Server() as server, tempfile.TemporaryDirectory() as folder:
        sinks = {"TCP": ("127.0.0.1", free_port()), "Unix socket": Path(folder) / "sink"}
        processes = [subprocess.Popen([program, "sink", str(place[1] if isinstance(place, tuple) else place)],
                                      stdout=subprocess.PIPE) for place in sinks.values()]
        try:
            for process in processes:
                assert process.stdout.readline() == b"ready\n"
            for kind, place in sinks.items():
                ours, sink = Client(server.address if kind == "TCP" else server.unix), Client(place)
                for words, name, parameters, against_library in CASES:
                    a = arrays[name]
                    body = memoryview(a.reshape(-1, order="F")).cast("B")
                    request = head("POST", query(a, **parameters), [("Content-Length", a.nbytes)])
                    size = ours.post(request, body)
                    floor = head("POST", "/", [("Content-Length", a.nbytes), ("Answer-Bytes", size)])
                    post = lambda: seconds(lambda: ours.post(request, body))  # noqa: E731
                    sunk = lambda: seconds(lambda: sink.post(floor, body))  # noqa: E731
                    yield ratio(f"POST {words}", f"sink, {kind}", 1.25, post, sunk, rounds)
                    if against_library and kind != "TCP":
                        yield from ratio_and_floor(f"POST {words}, {kind}", "tinybrain in process", 1, post,
                                                   library(a, parameters), sunk, max(2, rounds // 2), "the sink")
        finally:
            for process in processes:
                process.kill()
                process.wait()


@contextlib.contextmanager
def sink_at(program, place):
    process = subprocess.Popen([program, "sink", str(place)], stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"ready\n"
        yield place
    finally:
        process.kill()
        process.wait()


def compressed(program, root, rounds):
    """gzip up and gzip down, over a Unix socket, against zlib level 1 on one thread in memory."""
    em = np.load(io.BytesIO(gzip.decompress((root / "Tests/Data/demo-em.npy.gz").read_bytes())))
    volumes = {
        "EM": np.asfortranarray(np.tile(em, (4, 4, 4))),
        "labels": np.asfortranarray(real_labels(root)[:256, :256, :128]),
    }
    with Server() as server, tempfile.TemporaryDirectory() as folder, sink_at(program, Path(folder) / "sink") as place, \
            contextlib.closing(Kernels(program)) as kernels:
        client, floor = Client(server.unix), Client(place)
        for name, a in volumes.items():
            method = "average" if name == "EM" else "mode"
            plain = a.tobytes("F")
            packed = zlib.compressobj(1, zlib.DEFLATED, 31)
            packed = packed.compress(plain) + packed.flush()
            up = head("POST", query(a, method=method), [("Content-Length", len(packed)), ("Content-Encoding", "gzip")])
            upload = Path(folder) / "upload.gz"
            upload.write_bytes(packed)
            kernels.take(upload)
            yield from ratio_and_floor(
                f"POST of a gzip body, {name} of {len(plain) // MIB} MiB", "zlib inflating it, one thread", 1 / 3,
                lambda: seconds(lambda: client.post(up, packed)), lambda: seconds(lambda: zlib.decompress(packed, 31)),
                kernels.inflate(), rounds, "our inflating alone, one thread")
            fields = [("Content-Length", len(plain)), ("Accept-Encoding", "gzip")]
            down = head("POST", query(a, method=method), fields)
            answer = (tinybrain.downsample_with_averaging(a, (2, 2, 1)) if name == "EM"
                      else tinybrain.downsample_segmentation(a, (2, 2, 1)))[0].tobytes("F")
            yield ratio(f"POST with a gzip answer, {name} of {len(plain) // MIB} MiB", "zlib level 1 of it, one thread", 1 / 3,
                        lambda: seconds(lambda: client.post(down, plain)),
                        lambda: seconds(lambda: zlib.compress(answer, 1)), rounds)

            def answer_alone():
                client.post(down, plain)
                return time.perf_counter() - client.sent

            yield ratio(f"the same from the last byte up to the last byte down, {name} of {len(plain) // MIB} MiB",
                        "zlib level 1 of it, one thread", None, answer_alone,
                        lambda: seconds(lambda: zlib.compress(answer, 1)), rounds)
            idle = head("POST", "/", [("Content-Length", len(plain)), ("Answer-Bytes", len(zlib.compress(answer, 1)))])
            yield ratio(f"the same by a sink that computes nothing, {name} of {len(plain) // MIB} MiB",
                        "zlib level 1 of it, one thread", None, lambda: seconds(lambda: floor.post(idle, plain)),
                        lambda: seconds(lambda: zlib.compress(answer, 1)), rounds)


def small_chunks(program):
    """64^3 uint8, 3 mips, npz, 16 kept connections, against uvicorn with an application that calls tinybrain."""
    a = noise((64, 64, 64), "uint8")
    request = head("POST", target(shape=a.shape, dtype="uint8", mips=3), [("Content-Length", a.nbytes)]) + a.tobytes("F")
    port = free_port()
    peer = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "peer_app:app", "--port", str(port), "--log-level", "error", "--no-access-log"],
        cwd=Path(__file__).parent, env=clean_environment())
    sink_port = free_port()
    sink = subprocess.Popen([program, "sink", str(sink_port)], stdout=subprocess.PIPE)
    try:
        quiet = ("--log-level", "error")
        with Server(*quiet) as server, Server(*quiet, "--loops", str(os.cpu_count())) as wide, \
                tempfile.NamedTemporaryFile() as file:
            await_port(port)
            assert sink.stdout.readline() == b"ready\n"

            with server.connect() as wire:
                wire.send(request)
                size = len(wire.read().body)
            floor = head("POST", "/", [("Content-Length", a.nbytes), ("Answer-Bytes", size)]) + a.tobytes("F")

            def rate(port, request):
                file.seek(0)
                file.truncate()
                file.write(request)
                file.flush()
                done = subprocess.run([program, "load", str(port), "16", "2", file.name], check=True, capture_output=True)
                return float(done.stdout)

            rates = [(rate(server.port, request), rate(port, request), rate(sink_port, floor), rate(wide.port, request))
                     for _ in range(3)]
            for what, reach, column in (("answers a second, 64^3 uint8 3 mips, 16 connections", 10, 0),
                                        (f"the same with --loops {os.cpu_count()}", 10, 3),
                                        ("the same from a sink that computes nothing", None, 2)):
                each = sorted(row[column] / row[1] for row in rates)
                yield Row(what, "uvicorn + tinybrain", reach, statistics.median(each), f"{each[0]:.3g}-{each[-1]:.3g}",
                          at_least=True)
    finally:
        for process in (peer, sink):
            process.kill()
            process.wait()


def await_port(port):
    for _ in range(400):
        try:
            Wire(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("uvicorn did not start")


def large_upload():
    """4 GiB up: how far the peak memory is above the answer."""
    shape = (2048, 2048, 1024)
    block = noise((2048, 2048, 1), "uint8").tobytes()
    with Server() as server, server.connect(timeout=300) as wire:
        wire.send(head("POST", target(shape=shape, dtype="uint8", factor=(2, 2, 2), mips=3, format="raw"),
                       [("Content-Length", len(block) * shape[2])]))
        for _ in range(shape[2]):
            wire.send(block)
        reply = wire.read()
        assert reply.status == 200
        above = (server.memory("VmHWM") - len(reply.body)) / MIB
        return Row("peak memory of a 4 GiB upload, above its answer", "-", 64, above, unit=" MiB")


def upload_a_gibibyte(address):
    """In a process of its own: whoever asks for its health must not wait for another thread of Python."""
    block = bytes(MIB)

    def body():
        yield head("POST", target(shape=(1024, 1024, 1024), dtype="uint8", factor=(2, 2, 2), mips=2, format="raw"),
                   [("Content-Length", 1024 * MIB)])
        for _ in range(1024):
            yield block

    Client(address).post(*body())


def health_under_load():
    """GET /healthz while four uploads of 1 GiB run: the 99th percentile."""
    with Server() as server:
        def ask(while_true, least):
            times = []
            with server.connect() as wire:
                while while_true() or len(times) < least:
                    begin = time.perf_counter()
                    wire.send(head("GET", "/healthz"))
                    assert wire.read("GET").status == 200
                    times.append(time.perf_counter() - begin)
                    time.sleep(0.002)
            return statistics.quantiles(times, n=100)[98] * 1000

        idle = ask(lambda: False, 500)
        uploads = [multiprocessing.Process(target=upload_a_gibibyte, args=(server.address,)) for _ in range(4)]
        for process in uploads:
            process.start()
        loaded = ask(lambda: any(process.is_alive() for process in uploads), 100)
        for process in uploads:
            process.join()
            assert process.exitcode == 0, "an upload failed"
        return Row("GET /healthz p99 beside four uploads of 1 GiB", f"idle: {idle:.2g} ms", 20, loaded, unit=" ms")


def start_and_size(program_path):
    """Start to ready, memory at rest, size of the stripped program."""
    starts = []
    for _ in range(7):
        port = free_port()
        begin = time.perf_counter()
        process = subprocess.Popen([program_path, "serve", "--listen", f"127.0.0.1:{port}"], env=clean_environment(),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while True:
            try:
                with Wire(("127.0.0.1", port)) as wire:
                    wire.send(head("GET", "/readyz"))
                    if wire.read("GET").status == 200:
                        break
            except OSError:
                time.sleep(0.0005)
        starts.append(time.perf_counter() - begin)
        process.terminate()
        process.wait(30)
    yield Row("start to ready", "-", 100, statistics.median(starts) * 1000, unit=" ms")
    with Server() as server:
        yield Row("memory at rest", "-", 24, server.memory() / MIB, unit=" MiB")
    with tempfile.NamedTemporaryFile() as file:
        subprocess.run(["strip", "-o", file.name, program_path], check=True)
        yield Row("stripped program", "-", None, os.path.getsize(file.name) / MIB, unit=" MiB")
