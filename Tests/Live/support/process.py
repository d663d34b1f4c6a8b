# SPDX-License-Identifier: Apache-2.0
"""The program under test, as a process."""
import os
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from .wire import Wire, head

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = Path(os.environ.get("PYRAMIDION", ROOT / ".build/release/pyramidion")).resolve()
MIB = 1 << 20


def clean_environment(**extra):
    """This environment without what would configure the service."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYRAMIDION")}
    return kept | extra


def run(*arguments, input=None, timeout=60, **options):
    """The program run to its end; its output as bytes."""
    return subprocess.run(
        [PROGRAM, *map(str, arguments)], input=input, capture_output=True, timeout=timeout,
        env=clean_environment(**options.pop("env", {})), **options,
    )


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def await_condition(condition, words):
    """The server notices a closed peer when its loop comes to it: asked again until then, for a bounded time."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, words
        time.sleep(0.02)


class Server:
    """`pyramidion serve` on a TCP port of the loopback and on a Unix socket, in a folder of its own."""

    def __init__(self, *arguments, config=None, env=None, ready=True):
        self.folder = tempfile.TemporaryDirectory(prefix="pyramidion-test-")
        place = Path(self.folder.name)
        self.port = free_port()
        self.address = ("127.0.0.1", self.port)
        self.url = f"http://127.0.0.1:{self.port}"
        self.unix = place / "socket"
        self.log_path = place / "log"
        options = ["--listen", f"127.0.0.1:{self.port}", "--listen", f"unix:{self.unix}"]
        if config is not None:
            (place / "config.yaml").write_text(config)
            options += ["--config", str(place / "config.yaml")]
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [PROGRAM, "serve", *options, *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                cwd=place, env=clean_environment(**(env or {})),
            )
        if not ready:
            return
        try:
            self.await_ready()
        except BaseException:
            self.kill()
            raise

    @property
    def log(self):
        return self.log_path.read_text(errors="replace")

    def await_ready(self):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            assert self.process.poll() is None, f"ended with {self.process.returncode} at start:\n{self.log}"
            try:
                if self.get("/readyz").status == 200:
                    return
            except OSError:
                pass
            time.sleep(0.01)
        raise AssertionError(f"not ready after 20 s:\n{self.log}")

    def connect(self, unix=False, **options):
        return Wire(self.unix if unix else self.address, **options)

    def get(self, target, fields=(), method="GET"):
        with self.connect() as wire:
            wire.send(head(method, target, fields))
            return wire.read(method)

    @property
    def alive(self):
        return self.process.poll() is None

    def memory(self, name="VmRSS"):
        """Bytes: VmRSS now, VmHWM at most since the start or `forget_peak`."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1]) * 1024
        raise AssertionError(f"no {name}")

    def forget_peak(self):
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def stop(self, timeout=30):
        """SIGTERM; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        self.folder.cleanup()
