# SPDX-License-Identifier: Apache-2.0
"""Chunks of levels that the source lacks: cold and warm, against LocalVolume, nginx and the floor of reading and reducing."""
import contextlib
import gzip
import io
import itertools
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from harness import Row
from kernel_rows import real_labels
from service_rows import await_port
from support.process import MIB, Server, clean_environment, free_port
from support.volumes import targets, write

SIDE = 64
CONNECTIONS = 6  # a browser's
NGINX = next((path for path in ("/usr/sbin/nginx", shutil.which("nginx") or "") if path and os.access(path, os.X_OK)), None)
# A connection of the load asks more often than the default lets it.
SETTINGS = "limits: {requests_per_connection: 1000000000}\n"


def grey(root):
    """1024 x 1024 x 512 of electron micrograph, tiled."""
    em = np.load(io.BytesIO(gzip.decompress((root / "Tests/Data/demo-em.npy.gz").read_bytes())))
    return np.tile(em, (8, 8, 8))


def cells(shape):
    """Boxes of whole chunks of a level."""
    for z, y, x in itertools.product(*(range(0, n - SIDE + 1, SIDE) for n in reversed(shape))):
        yield (x, y, z), (x + SIDE, y + SIDE, z + SIDE)


class Load:
    """GETs by the benchmark program."""

    def __init__(self, program, folder):
        self.program, self.folder, self.number = program, folder, itertools.count()

    def list(self, lines):
        path = self.folder / f"list-{next(self.number)}"
        path.write_text("".join(f"{line}\n" for line in lines))
        return path

    def gets(self, port, paths, seconds, *fields):
        """Answers a second, p50 and p99 in milliseconds, bytes, answers."""
        done = subprocess.run([self.program, "gets", str(port), str(CONNECTIONS), str(seconds), str(paths), *fields],
                              check=True, capture_output=True, text=True)
        return [float(word) for word in done.stdout.split()]

    def floor(self, paths):
        done = subprocess.run([self.program, "floor", str(os.cpu_count()), str(paths)], check=True, capture_output=True,
                              text=True)
        return float(done.stdout)


@contextlib.contextmanager
def local_volume(array, kind, folder):
    """The port of the peer, and the targets of its chunks at factor 2,2,2."""
    path = folder / f"{kind}.npy"
    np.save(path, array)
    process = subprocess.Popen([sys.executable, str(Path(__file__).parent / "localvolume_app.py"), str(path), kind],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                               env=clean_environment())
    try:
        port, key = process.stdout.readline().split()
        await_port(int(port))
        shape = [n // 2 for n in array.shape]
        yield int(port), [f"/neuroglancer/npz/{key}/2,2,2/{','.join(map(str, low))}/{','.join(map(str, high))}"
                          for low, high in cells(shape)]
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def nginx(folder, place):
    """The port of nginx with the files of `folder`; one worker, as the service has one loop."""
    port = free_port()
    config = place / "nginx.conf"
    config.write_text(f"""
daemon off; worker_processes 1; pid {place}/nginx.pid; error_log {place}/nginx.log;
events {{ worker_connections 256; }}
http {{
  access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; keepalive_requests 1000000000; open_file_cache max=10000;
  client_body_temp_path {place}/body; proxy_temp_path {place}/proxy; fastcgi_temp_path {place}/fastcgi;
  uwsgi_temp_path {place}/uwsgi; scgi_temp_path {place}/scgi;
  server {{ listen 127.0.0.1:{port}; root {folder}; }}
}}
""")
    place.chmod(0o755)
    process = subprocess.Popen([NGINX, "-c", str(config), "-p", str(place)], stderr=subprocess.DEVNULL)
    try:
        await_port(port)
        yield port
    finally:
        process.terminate()
        process.wait()


def against(what, peer, reach, pairs):
    each = sorted(ours / theirs for ours, theirs in pairs)
    return Row(what, peer, reach, statistics.median(each), f"{each[0]:.3g}-{each[-1]:.3g}", at_least=True)


def config(source, **settings):
    volume = {"source": str(source), "factor": [2, 2, 2], "mips": "all", **settings}
    return SETTINGS + "volumes: " + json.dumps({"v": volume}) + "\n"


def metric(server, name):
    for line in server.get("/metrics").body.decode().splitlines():
        if line.startswith(name + " "):
            return float(line.split()[1])
    raise AssertionError(f"no metric {name}")


def rows(program, root, rounds):
    with tempfile.TemporaryDirectory(prefix="pyramidion-sidecar-") as folder:
        place = Path(folder)
        # nginx's worker may be another user.
        place.chmod(0o755)
        load = Load(program, place)
        array = grey(root)
        write(place / "grey", array, chunk=(SIDE,) * 3, resolution=(8, 8, 8))
        yield from images(load, place, array, rounds)
        yield from labels(load, place, np.asfortranarray(real_labels(root)), rounds)
        yield from overview(load, place, array.nbytes)


def files_of(array, source):
    """For each chunk of level 1 the files of level 0 that it is made of."""
    for low, _ in cells([n // 2 for n in array.shape]):
        begins = itertools.product(*((2 * at, 2 * at + SIDE) for at in low))
        yield "\t".join(str(source / "8_8_8" / "_".join(f"{a}-{a + SIDE}" for a in begin)) for begin in begins)


def images(load, place, array, rounds):
    floor = load.list(files_of(array, place / "grey"))
    cold, fair, made, times, warm, served = [], [], [], [], [], []
    with local_volume(array, "image", place) as (peer, theirs):
        theirs = load.list(theirs)
        load.gets(peer, theirs, 1)
        load.floor(floor)
        for number in range(rounds):
            data = place / f"data-{number}"
            with Server("--data", str(data), "--log-level", "warning", config=config(place / "grey")) as server:
                ours = load.list(targets(server, "v", 1))
                rate, p50, p99, *_ = load.gets(server.port, ours, "once")
                other = load.gets(peer, theirs, 2)
                cold.append((rate, other[0]))
                made.append((rate, load.floor(floor)))
                times.append((p50, p99, other[1], other[2]))
                assert metric(server, "pyramidion_chunks_made_total") == sum(1 for _ in open(ours))
                warm.append((load.gets(server.port, ours, 2)[0], other[0]))
                assert server.stop() == 0
            if NGINX and number == rounds - 1:
                with nginx(data / "levels", place) as port, \
                        Server("--data", str(data), "--log-level", "warning", config=config(place / "grey")) as server:
                    paths = load.list(line.strip().removeprefix("/precomputed") for line in open(ours))
                    for _ in range(rounds + 1):
                        served.append((load.gets(server.port, ours, 2)[0], load.gets(port, paths, 2)[0]))
    yield against(f"cold chunks a second, {SIDE}^3 uint8 raw, 2x2x2, {CONNECTIONS} connections", "LocalVolume, npz", 10, cold)
    yield against("the same", f"reading and reducing the files alone, {os.cpu_count()} threads", None, made)
    for index, name in ((0, "median"), (1, "p99")):
        mine = statistics.median(row[index] for row in times)
        other = statistics.median(row[index + 2] for row in times)
        yield Row(f"{name} of a cold chunk", f"LocalVolume: {other:.3g} ms", other, mine, unit=" ms")
    yield against("warm chunks a second, the same", "LocalVolume, npz", 100, warm)
    yield compared("warm chunks a second, the same", served)


def compared(what, served):
    if not served:
        return Row(f"{what}: nginx is not installed", "nginx, the kept files", None, float("nan"))
    return against(what, "nginx, the kept files", 0.9, served[1:])


def labels(load, place, array, rounds):
    """uint64 in compressed_segmentation, gzip on the way: what a browser gets of a segmentation."""
    array = np.ascontiguousarray(array[:512, :512, :256])
    write(place / "ids", array, chunk=(SIDE,) * 3, resolution=(8, 8, 8), encoding="compressed_segmentation")
    accept = "Accept-Encoding: gzip"
    cold, warm, served = [], [], []
    with local_volume(array, "segmentation", place) as (peer, theirs):
        theirs = load.list(theirs)
        load.gets(peer, theirs, 1)
        for number in range(rounds):
            data = place / f"ids-{number}"
            with Server("--data", str(data), "--log-level", "warning", config=config(place / "ids")) as server:
                asked = targets(server, "v", 1)
                ours = load.list(asked)
                rate = load.gets(server.port, ours, "once", accept)[0]
                other = load.gets(peer, theirs, 2)[0]
                cold.append((rate, other))
                warm.append((load.gets(server.port, ours, 2, accept)[0], other))
                if NGINX and number == rounds - 1:
                    # The very bytes that the service sends, as plain files.
                    for target in asked:
                        file = place / "packed" / target.lstrip("/")
                        file.parent.mkdir(parents=True, exist_ok=True)
                        file.write_bytes(server.get(target, [("Accept-Encoding", "gzip")]).body)
                    with nginx(place / "packed", place) as port:
                        for _ in range(rounds + 1):
                            served.append((load.gets(server.port, ours, 2, accept)[0], load.gets(port, ours, 2)[0]))
    what = f"{SIDE}^3 uint64 labels, gzip, 2x2x2"
    yield against(f"cold chunks a second, {what}", "LocalVolume, npz", 10, cold)
    yield against(f"warm chunks a second, {what}", "LocalVolume, npz", 100, warm)
    yield compared(f"warm chunks a second, {what}", served)


def overview(load, place, bytes_of_mip0):
    """What a viewer zoomed out as far as it goes asks for: every chunk of the two coarsest levels."""
    data = place / "overview"
    read = "pyramidion_source_bytes_total"
    with Server("--data", str(data), "--log-level", "warning", config=config(place / "grey")) as server:
        coarsest = json.loads(server.get("/precomputed/v/info").content)["scales"]
        levels = range(len(coarsest) - 2, len(coarsest))
        ours = load.list(itertools.chain.from_iterable(targets(server, "v", level) for level in reversed(levels)))
        count = sum(1 for _ in open(ours))
        _, _, slowest, *_ = load.gets(server.port, ours, "once")
        first = metric(server, read)
        yield Row(f"first overview, {count} chunks of 512 MiB: bytes of mip 0 read", "all of mip 0, once", 1,
                  first / bytes_of_mip0)
        yield Row("its slowest chunk", "-", None, slowest, unit=" ms")
        load.gets(server.port, ours, "once")
        yield Row("the second overview: bytes of mip 0 read", "-", 0, (metric(server, read) - first) / MIB, unit=" MiB")
        assert server.stop() == 0
    with Server("--data", str(data), "--log-level", "warning", config=config(place / "grey")) as server:
        load.gets(server.port, ours, "once")
        yield Row("after a restart: bytes of mip 0 read", "-", 0, metric(server, read) / MIB, unit=" MiB")
