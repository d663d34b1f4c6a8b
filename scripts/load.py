# SPDX-License-Identifier: Apache-2.0
"""Load from outside, on the loopback alone: does the service stay up, right and within its memory?

    python scripts/load.py [--minutes M] [--write FILE] [CASE...]

Cases: idle slow uploads mixed kill; default: all. Each starts a server of its own (PYRAMIDION, else
.build/release/pyramidion) and ends with a line of figures, or an error that says what was not kept. With --write the
lines also replace those in FILE between the marks <!-- figures --> and <!-- /figures -->.
"""
import argparse
import multiprocessing
import os
import random
import resource
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "Tests/Live"))

import numpy as np  # noqa: E402

import pyramid_reference as reference  # noqa: E402
from support.arrays import FORMATS, levels_of, request, same, target  # noqa: E402
from support.process import MIB, Server, clean_environment  # noqa: E402
from support.wire import Wire, head  # noqa: E402

# A fork has the samples and the server's address at once.
PROCESSES = multiprocessing.get_context("fork")
HEALTH = head("GET", "/healthz")


def check(condition, words):
    if not condition:
        raise SystemExit(f"not kept: {words}")


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def in_background(work, *arguments):
    """Runs `work(*arguments, send)` in a process; returns the process and what it sends."""
    ours, theirs = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=work, args=(*arguments, theirs.send), daemon=True)
    process.start()
    theirs.close()
    return process, ours


# Samples: requests with the answers that the reference expects.

REFERENCE = {
    "average": reference.averaging,
    "mode": reference.segmentation,
    "min": reference.min_pooling,
    "max": reference.max_pooling,
    "stride": reference.striding,
}


def sample(dice, largest=48):
    """(request, format, expected levels) for an array drawn by lot."""
    shape = tuple(dice.randint(1, largest) for _ in range(3))
    dtype = dice.choice(["uint8", "uint16", "uint32", "uint64", "int16", "float32"])
    rng = np.random.default_rng(dice.getrandbits(32))
    array = np.asfortranarray(rng.integers(0, dice.choice([3, 120]), shape).astype(dtype))
    method, mips = dice.choice(list(REFERENCE)), dice.randint(1, 3)
    form = dice.choice(FORMATS)
    content = request(
        array, body=dice.choice(["raw", "npy"]), coding=dice.choice(["identity", "gzip", "deflate"]),
        framing=dice.choice(["length", "chunked"]), random=dice, method=method, mips=mips, format=form,
    )
    return content, form, REFERENCE[method](array, (2, 2, 1), mips)


def is_right(reply, form, expected):
    levels = levels_of(reply, form)
    return len(levels) == len(expected) and all(same(levels[i + 1], level) for i, level in enumerate(expected))


# 10,000 idle connections


def idle(options):
    count = options.connections
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    check(hard >= count + 200, f"{count} connections need as many descriptors; this shell allows {hard} (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with Server(config="timeouts: {idle: 1h}\n") as server:
        server.get("/healthz")
        before, descriptors = server.memory(), server.descriptors()
        begun = time.monotonic()
        wires = []
        for _ in range(count):
            wire = server.connect()
            wire.send(HEALTH)
            wires.append(wire)
        for wire in wires:
            check(wire.read("GET").status == 200, "an idle connection was not served")
        opened = time.monotonic() - begun
        memory = server.memory() - before
        latencies = [timed(lambda: server.get("/healthz")) for _ in range(200)]
        for wire in random.sample(wires, 200):
            wire.send(HEALTH)
            check(wire.read("GET").status == 200, "a connection that was idle does not serve")
        check(server.descriptors() >= descriptors + count, "connections were closed")
        for wire in wires:
            wire.close()
        settled(lambda: server.descriptors() <= descriptors + 2, "descriptors of closed connections stay open")
        check(server.stop() == 0, "the server did not end in order")
    return (
        f"{count:,} idle connections: {memory / count / 1024:.1f} KiB of the process each ({memory / MIB:.0f} MiB); opened and "
        f"served once in {opened:.1f} s; a new connection and its answer beside them: p50 "
        f"{statistics.median(latencies) * 1e3:.1f} ms, p99 {percentile(latencies, 0.99) * 1e3:.1f} ms; all served again; no descriptor left."
    )


def timed(work):
    begun = time.monotonic()
    work()
    return time.monotonic() - begun


def settled(condition, words, limit=30):
    deadline = time.monotonic() + limit
    while not condition():
        check(time.monotonic() < deadline, words)
        time.sleep(0.1)


# Slow clients beside normal traffic


def normal_traffic(address, seconds, send):
    """Small pyramids one after another; the time of each."""
    array = np.asfortranarray(np.random.default_rng(1).integers(0, 256, (128, 128, 8)).astype("uint8"))
    content = request(array, method="average", mips=2, format="raw")
    expected = reference.averaging(array, (2, 2, 1), 2)
    times = []
    deadline = time.monotonic() + seconds
    with Wire(address) as wire:
        while time.monotonic() < deadline:
            begun = time.monotonic()
            wire.send(content)
            reply = wire.read()
            times.append(time.monotonic() - begun)
            if not is_right(reply, "raw", expected):
                send("a wrong answer beside slow clients")
                return
            if reply.closes:
                wire.close()
                wire.__init__(address)
            time.sleep(0.002)
    send(times)


def slow_clients(address, heads, bodies, seconds, send):
    """Dribbles a byte a second on each connection; counts what ends them, and opens another for each."""
    start = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
    upload = head("POST", target(shape=(1024, 1024, 1), dtype="uint8"), [("Content-Length", MIB)])
    ends = Counter()

    def opened(kind):
        wire = socket.create_connection(address, timeout=10)
        wire.sendall(start if kind == "head" else upload)
        wire.setblocking(False)
        return kind, wire

    clients = [opened(kind) for kind, count in (("head", heads), ("body", bodies)) for _ in range(count)]
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        round_begun = time.monotonic()
        for index, (kind, wire) in enumerate(clients):
            answer = b""
            try:
                answer = wire.recv(4096)
                ended = True
            except BlockingIOError:
                ended = False
            except OSError:
                ended = True
            if not ended:
                try:
                    wire.send(b"a")
                except OSError:
                    ended = True
            if ended:
                ends[kind, answer[9:12].decode() or "closed"] += 1
                wire.close()
                clients[index] = opened(kind)
        time.sleep(max(0, 1 - (time.monotonic() - round_begun)))
    for _, wire in clients:
        wire.close()
    send(ends)


def slow(options):
    seconds = options.slow_seconds
    with Server() as server:
        before = received(*in_background(normal_traffic, server.address, seconds))
        memory = server.memory()
        attack = in_background(slow_clients, server.address, 500, 200, seconds + 4)
        time.sleep(2)
        during = received(*in_background(normal_traffic, server.address, seconds))
        peak = server.memory() - memory
        ends = received(*attack)
        check(ends["head", "408"] > 0 and ends["body", "408"] > 0, f"slow clients were not ended with 408: {dict(ends)}")
        check(server.stop() == 0, "the server did not end in order")
    figures = [
        f"p50 {statistics.median(times) * 1e3:.1f} ms, p99 {percentile(times, 0.99) * 1e3:.1f} ms ({len(times)} requests)"
        for times in (before, during)
    ]
    return (
        f"500 slow heads and 200 slow bodies, a byte a second each: pyramids of 128 KiB before: {figures[0]}; beside them: "
        f"{figures[1]}; {peak / MIB:.1f} MiB more memory; {ends['head', '408']} heads and {ends['body', '408']} bodies ended "
        f"with 408 in {seconds + 4} s, {sum(n for (_, end), n in ends.items() if end != '408')} otherwise."
    )


def received(process, pipe):
    result = pipe.recv()
    process.join()
    check(not isinstance(result, str), result)
    return result


# 64 large uploads at once


def uploads(options):
    shape, count = (1024, 1024, options.upload_mib), 64
    # Four slices, again and again: a window of 2,2,1 lies within one slice, so the levels repeat as well.
    block = np.random.default_rng(3).integers(0, 256, (1024, 1024, 4), dtype="uint8")
    repeats = options.upload_mib // 4
    file = os.memfd_create("upload")
    for _ in range(repeats):
        os.write(file, block.tobytes("F"))
    expected = b"".join(level.tobytes("F") * repeats for level in reference.averaging(block, (2, 2, 1), 2))
    where = target(shape=shape, dtype="uint8", mips=2, format="raw")
    # They are all to be served in the end, however long those in front of them take.
    config = "limits: {memory: 1GiB, requests_queued: 64}\ntimeouts: {memory_wait: 30m, answer: 30m}\n"
    statuses, lock = Counter(), threading.Lock()

    def upload(server):
        try:
            with server.connect(timeout=1800) as wire:
                wire.send(head("POST", where, [("Content-Length", options.upload_mib * MIB)]))
                with open(f"/proc/self/fd/{file}", "rb") as body:
                    wire.socket.sendfile(body)
                reply = wire.read_head()
                right = reply.status == 200 and int(reply["Content-Length"]) == len(expected)
                at = 0
                view = memoryview(expected)
                while right and at < len(expected):
                    piece = bytes(wire.pending) or wire.socket.recv(1 << 20)
                    wire.pending.clear()
                    right = piece != b"" and view[at:at + len(piece)] == piece
                    at += len(piece)
                outcome = f"{reply.status} right" if right else f"{reply.status} wrong"
        except (OSError, EOFError) as error:
            outcome = f"lost: {error}"
        with lock:
            statuses[outcome] += 1

    with Server(config=config) as server:
        before = server.memory()
        server.forget_peak()
        begun = time.monotonic()
        threads = [threading.Thread(target=upload, args=(server,)) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds = time.monotonic() - begun
        peak = server.memory("VmHWM")
        check(statuses == {"200 right": count}, f"of {count} uploads: {dict(statuses)}")
        check(peak - before < 1024 * MIB + 128 * MIB, f"{peak / MIB:.0f} MiB of memory under a budget of 1 GiB")
        check(server.stop() == 0, "the server did not end in order")
    return (
        f"64 uploads of {options.upload_mib} MiB at once, answers of {len(expected) / MIB:.0f} MiB, under a budget of 1 GiB: all 64 "
        f"answered, right to the bit, in {seconds:.0f} s ({count * options.upload_mib / 1024 / seconds:.2f} GiB/s in); peak memory "
        f"{peak / MIB:.0f} MiB ({before / MIB:.0f} MiB before)."
    )


# Good, bad and broken requests


def broken(dice, samples, address):
    """One client that does something wrong, and leaves."""
    content = dice.choice(samples)[0]
    with Wire(address, timeout=20) as wire:
        match dice.randrange(6):
            case 0:  # leaves in mid-request
                wire.send(content[: dice.randrange(len(content))])
            case 1:  # resets in mid-request
                wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                wire.send(content[: dice.randrange(len(content))])
            case 2:  # noise
                wire.send(dice.randbytes(dice.randrange(1, 2000)))
                wire.finish_sending()
                wire.read_to_end()
            case 3:  # a bit is wrong somewhere
                noisy = bytearray(content)
                noisy[dice.randrange(len(noisy))] ^= 1 << dice.randrange(8)
                wire.send(bytes(noisy))
                wire.finish_sending()
                wire.read_to_end()
            case 4:  # sends all, reads nothing
                wire.send(content)
            case 5:  # a body that is too short
                wire.send(content[:-1])
                wire.finish_sending()
                wire.read_to_end()


def bad(dice, kept):
    """A request that is refused, in order; the connection goes on or says that it does not."""
    where, status = dice.choice([
        (target(shape=(4, 4), dtype="uint8", method="best"), 400), (target(shape=(4, 4)), 400), ("/v2/pyramid", 404),
        (target(shape=(1 << 20, 1 << 20, 1 << 10), dtype="uint8"), 413), (target(shape=(4, 4), dtype="uint8"), 400),
    ])
    kept.send(head("POST", where, [("Content-Length", 15)]), bytes(15))
    return kept.read(), status


def mixed_client(address, seed, samples, seconds, send):
    dice = random.Random(seed)
    counts = Counter()
    wire = Wire(address)
    deadline = time.monotonic() + seconds
    try:
        while time.monotonic() < deadline:
            lot = dice.random()
            if lot < 0.2:
                counts["broken"] += 1
                try:
                    broken(dice, samples, address)
                except OSError:
                    pass
                continue
            if lot < 0.4:
                counts["bad"] += 1
                reply, status = bad(dice, wire)
                if reply.status != status:
                    return send(f"{reply.status} instead of {status}: {reply.body[:300]}")
            else:
                counts["good"] += 1
                content, form, expected = dice.choice(samples)
                wire.send(content)
                reply = wire.read()
                if reply.status != 200 or not is_right(reply, form, expected):
                    return send(f"a wrong answer, {reply.status}: {content[:300]!r} {reply.body[:300]!r}")
            if reply.closes:
                wire.close()
                wire = Wire(address)
    except (OSError, EOFError, AssertionError) as error:
        return send(f"{type(error).__name__}: {error} after {dict(counts)}")
    send(counts)


def mixed(options):
    seconds = options.minutes * 60
    dice = random.Random(options.seed)
    samples = [sample(dice) for _ in range(60)]
    with Server("--log-level", "error") as server:
        # What is allocated once is not growth.
        for content, form, expected in samples * 2:
            with server.connect() as wire:
                wire.send(content)
                check(is_right(wire.read(), form, expected), "a wrong answer before there was any load")
        settled(lambda: open_connections(server) <= 1, "connections stay open")
        descriptors = server.descriptors()
        clients = [
            in_background(mixed_client, server.address, f"{options.seed} {index}", samples, seconds) for index in range(4)
        ]
        memory = []
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            memory.append(server.memory())
            check(server.alive, f"the server ended: {server.log[-2000:]}")
            time.sleep(min(1, seconds / 60))
        counts = sum((received(*client) for client in clients), Counter())
        settled(lambda: server.descriptors() <= descriptors, f"{server.descriptors()} descriptors, {descriptors} before")
        fifth = len(memory) // 5
        early, late = statistics.median(memory[fifth:2 * fifth]), statistics.median(memory[-fifth:])
        check(late - early < max(8 * MIB, early // 20), f"memory grew from {early / MIB:.1f} to {late / MIB:.1f} MiB")
        check(server.stop() == 0, "the server did not end in order")
    return (
        f"{options.minutes:g} minutes of four clients: {counts['good']:,} good requests, each right to the bit, {counts['bad']:,} "
        f"bad ones, each with its status, {counts['broken']:,} broken ones; memory {early / MIB:.1f} MiB in the second fifth, "
        f"{late / MIB:.1f} MiB in the last, at most {max(memory) / MIB:.1f} MiB; descriptors {descriptors} before and after."
    )


def open_connections(server):
    for line in server.get("/metrics").body.decode().splitlines():
        if line.startswith("pyramidion_connections "):
            return int(float(line.split()[1]))
    raise SystemExit("not kept: /metrics has no pyramidion_connections")


# kill -9


def persistent_client(address, samples, stop, seed, send):
    """Good requests for as long as it is let; a lost connection is tried again, a wrong answer is the end."""
    dice = random.Random(seed)
    counts = Counter()
    while not stop.is_set():
        try:
            with Wire(address, timeout=20) as wire:
                while not stop.is_set():
                    content, form, expected = dice.choice(samples)
                    wire.send(content)
                    reply = wire.read()
                    if reply.status == 200 and not is_right(reply, form, expected):
                        return send("a wrong answer")
                    counts[reply.status] += 1
                    if reply.closes:
                        break
        except (OSError, EOFError):
            counts["lost"] += 1
            time.sleep(0.005)
        except AssertionError as error:
            return send(f"an answer that breaks a rule: {error}")
    send(counts)


def kill(options):
    dice = random.Random(options.seed)
    samples = [sample(dice) for _ in range(30)]
    stop = PROCESSES.Event()
    restarts = []
    with Server("--log-level", "error") as server:
        command, folder = server.process.args, server.folder.name
        addresses = [server.address, server.address, str(server.unix), str(server.unix)]
        clients = [
            in_background(persistent_client, address, samples, stop, f"{options.seed} {index}")
            for index, address in enumerate(addresses)
        ]
        for _ in range(options.kills):
            time.sleep(dice.uniform(0.5, 1.5))
            server.process.send_signal(signal.SIGKILL)
            server.process.wait()
            with open(server.log_path, "ab") as log:
                begun = time.monotonic()
                server.process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder, env=clean_environment()
                )
            server.await_ready()
            restarts.append(time.monotonic() - begun)
        time.sleep(1)
        stop.set()
        counts = sum((received(*client) for client in clients), Counter())
        check(counts[200] > 0 and set(counts) <= {200, 503, "lost"}, f"answers: {dict(counts)}")
        with server.connect(unix=True) as wire:
            wire.send(HEALTH)
            check(wire.read("GET").status == 200, "the Unix socket is not served after a kill")
        check(server.stop() == 0, "the server did not end in order")
    return (
        f"{options.kills} times kill -9 and restart under the load of four clients: ready again after "
        f"{statistics.median(restarts) * 1e3:.0f} ms (at most {max(restarts) * 1e3:.0f} ms); {counts[200]:,} answers, each whole "
        f"and right to the bit; {counts['lost']:,} connections lost or refused while nobody was there; none wrong."
    )


CASES = {"idle": idle, "slow": slow, "uploads": uploads, "mixed": mixed, "kill": kill}


def machine():
    """What the figures depend on, and nothing that names the machine."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    flags = next((line.split(":")[1].split() for line in lines if line.startswith(("flags", "Features"))), [])
    known = [flag for flag in ("sse4_2", "avx2", "avx512bw", "vpclmulqdq", "asimd", "sve") if flag in flags]
    memory = int(Path("/proc/meminfo").read_text().split()[1]) / 1024 / 1024
    return f"{os.cpu_count()} cores ({os.uname().machine}: {', '.join(known)}), {memory:.0f} GiB, client on the same cores"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", metavar="CASE", help=", ".join(CASES))
    parser.add_argument("--minutes", type=float, default=10, help="of the mixed load")
    parser.add_argument("--connections", type=int, default=10_000, help="idle ones")
    parser.add_argument("--slow-seconds", type=int, default=45, help="of normal traffic, before and beside slow clients")
    parser.add_argument("--upload-mib", type=int, default=256, help="a multiple of 4")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", default=os.urandom(4).hex())
    parser.add_argument("--write", type=Path, metavar="FILE")
    options = parser.parse_args()
    unknown = set(options.cases) - set(CASES)
    if unknown:
        parser.error(f"no such case: {', '.join(sorted(unknown))}; there are {', '.join(CASES)}")
    print(f"seed {options.seed}; {machine()}", flush=True)
    lines = []
    for name in options.cases or CASES:
        load = os.getloadavg()[0]
        lines.append(f"* **{name}** (load of the machine before: {load:.1f}). {CASES[name](options)}")
        print(lines[-1], flush=True)
    if options.write:
        text = options.write.read_text()
        before, mark, rest = text.partition("<!-- figures -->\n")
        _, end, after = rest.partition("<!-- /figures -->")
        check(mark and end, f"{options.write} has no marks for the figures")
        options.write.write_text(f"{before}{mark}\n{machine()}.\n\n" + "\n".join(lines) + f"\n\n{end}{after}")


if __name__ == "__main__":
    main()
