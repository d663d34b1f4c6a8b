#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Performs the steps of the Dockerfile in order on clean Debian roots, where there is no Docker engine. As root:

    scripts/check-dockerfile.py WORK --toolchain /path/of/swift [--mirror URL] [--bind PATH]...

WORK         a folder for the roots: `base` is made by debootstrap if it is not there, each stage begins as its copy
--toolchain  what the official Swift image has at /usr: a folder with usr/bin/swift, mounted into the build stage
--bind       a file or folder of this machine that the build stage may read at the same path (git settings, mirrors)

Then the image is used as Docker would: its command runs as its user, its health check is asked, a chunk is sent to it,
it is stopped by its stop signal.
"""
import argparse
import fnmatch
import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# What the official images of the toolchain install for it, on Debian 12.
TOOLCHAIN_NEEDS = """binutils-gold ca-certificates git gnupg2 libc6-dev libcurl4-openssl-dev libedit2 libgcc-12-dev
    libncurses-dev libpython3-dev libsqlite3-0 libstdc++-12-dev libxml2-dev libz3-dev pkg-config tzdata zlib1g-dev""".split()


def say(*words):
    print("==", *words, flush=True)


def run(*command, **options):
    return subprocess.run([str(word) for word in command], check=True, **options)


class Stage:
    def __init__(self, number, image, args):
        self.place = args.work / f"stage-{number}"
        self.env = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
        self.workdir, self.user, self.settings = "/", None, {}
        if self.place.exists():
            shutil.rmtree(self.place)
        run("cp", "-a", args.work / "base", self.place)
        self.mount("proc", "/proc", "-t", "proc")
        self.mount("/dev", "/dev", "--bind")
        if image.startswith("swift:"):
            for path in [args.toolchain, *args.bind]:
                self.mount(path, path, "--bind", "-o", "ro")
            self.env["PATH"] = f"{args.toolchain}/usr/bin:" + self.env["PATH"]
            self.run("apt-get update && apt-get install -y --no-install-recommends " + " ".join(TOOLCHAIN_NEEDS), quiet=True)

    def inside(self, path):
        return self.place / str(path).lstrip("/")

    def mount(self, source, target, *options):
        target = self.inside(target)
        if Path(source).is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.touch()
        else:
            target.mkdir(parents=True, exist_ok=True)
        run("mount", *options, source, target)

    def command(self, argv, user=None):
        return ["chroot", *(["--userspec", user] if user else []), self.place, "/usr/bin/env", "-i",
                f"--chdir={self.workdir}", *(f"{k}={v}" for k, v in self.env.items()), *argv]

    def run(self, script, quiet=False):
        out = subprocess.DEVNULL if quiet else None
        run(*self.command(["/bin/sh", "-c", script]), stdin=subprocess.DEVNULL, stdout=out)


def ignored(path, rules):
    """Whether .dockerignore leaves the path out; the last rule that matches it or a folder above it decides."""
    parts = path.parts
    heads = ["/".join(parts[:i]) for i in range(1, len(parts) + 1)]
    verdict = False
    for rule in rules:
        if any(fnmatch.fnmatch(head, rule.lstrip("!")) for head in heads):
            verdict = not rule.startswith("!")
    return verdict


def context_files():
    rules = [r.strip() for r in (ROOT / ".dockerignore").read_text().splitlines() if r.strip() and not r.startswith("#")]
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\n")
    return [Path(name) for name in names if name and not ignored(Path(name), rules)]


def copy(stage, words, stages):
    source_stage = None
    if words[0].startswith("--from="):
        source_stage = stages[words.pop(0)[7:]]
    *sources, target = words
    for source in sources:
        place = stage.inside(target if target.startswith("/") else f"{stage.workdir}/{target}")
        if source_stage:
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source_stage.inside(source), place)
            continue
        matches = [f for f in context_files() if f == Path(source) or Path(source) in f.parents]
        assert matches, f"COPY {source}: nothing of that name is in the context"
        for file in matches:
            if (ROOT / source).is_dir():
                to = place / file.relative_to(source)
            else:
                to = place / file.name if target.endswith("/") else place
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / file, to, follow_symlinks=False)


def build(args):
    text = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text())
    stages, stage = {}, None
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        word, rest = line.split(None, 1)
        say(line if len(line) < 120 else line[:117] + "...")
        if word == "FROM":
            image, _, name = rest.partition(" AS ")
            stage = stages[name or str(len(stages))] = Stage(len(stages), image, args)
        elif word == "RUN":
            stage.run(rest)
        elif word == "COPY":
            copy(stage, shlex.split(rest), stages)
        elif word == "WORKDIR":
            stage.workdir = rest
            stage.inside(rest).mkdir(parents=True, exist_ok=True)
        elif word == "ENV":
            stage.env.update(pair.split("=", 1) for pair in shlex.split(rest))
        elif word == "USER":
            stage.user = rest
        elif word in ("ENTRYPOINT", "CMD"):
            stage.settings[word] = json.loads(rest)
        elif word == "HEALTHCHECK":
            stage.settings[word] = json.loads(rest[rest.index("["):])
        elif word == "STOPSIGNAL":
            stage.settings[word] = rest
        elif word != "EXPOSE":
            raise AssertionError(f"this check does not know {word}")
    return stages, stage


def use(stage):
    """As `docker run` would, on this machine's network."""
    assert stage.user and not stage.user.startswith(("0", "root")), "the image runs as root"
    packages = [set(subprocess.run(["chroot", place, "dpkg-query", "-W", "-f", "${Package}\n"], check=True, text=True,
                                   capture_output=True).stdout.split())
                for place in (stage.place.parent / "base", stage.place)]
    say("packages above the base:", *sorted(packages[1] - packages[0]))
    program = stage.settings["ENTRYPOINT"]
    linked = subprocess.run(stage.command(["/lib64/ld-linux-x86-64.so.2", "--list", program[0]]), text=True,
                            check=True, capture_output=True).stdout
    assert "not found" not in linked, linked
    say("links:", *sorted(re.findall(r"^\s*(\S+) =>", linked, re.MULTILINE)))
    port = stage.env["PYRAMIDION_LISTEN"].rsplit(":", 1)[1]
    process = subprocess.Popen([str(w) for w in stage.command(program + stage.settings["CMD"], stage.user)])
    try:
        for _ in range(100):
            assert process.poll() is None, f"ended with {process.returncode}"
            healthy = subprocess.run([str(w) for w in stage.command(stage.settings["HEALTHCHECK"], stage.user)],
                                     stderr=subprocess.DEVNULL).returncode
            if healthy == 0:
                break
            time.sleep(0.05)
        assert healthy == 0, "never healthy"
        status = Path(f"/proc/{process.pid}/status").read_text()
        say("healthy;", *re.findall(r"^(?:Uid|VmRSS):.*", status, re.MULTILINE))
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/v1/pyramid?mips=3", data=(ROOT / "Tests/Data/demo-em.npy.gz").read_bytes(),
            headers={"Content-Type": "application/x-npy", "Content-Encoding": "gzip"})
        with urllib.request.urlopen(request, timeout=30) as reply:
            say("answered", reply.status, reply.headers["Pyramid-Levels"], f"{len(reply.read())} bytes")
        process.send_signal(getattr(signal, stage.settings["STOPSIGNAL"]))
        assert process.wait(30) == 0, "the stop signal did not end it well"
        assert subprocess.run([str(w) for w in stage.command(stage.settings["HEALTHCHECK"], stage.user)],
                              stderr=subprocess.DEVNULL).returncode != 0, "healthy although it is gone"
        say("stopped")
    finally:
        process.kill()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("work", type=lambda text: Path(text).resolve())
    parser.add_argument("--toolchain", type=Path, required=True)
    parser.add_argument("--mirror", default="")
    parser.add_argument("--bind", type=Path, action="append", default=[])
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    if not (args.work / "base").exists():
        say("debootstrap")
        run("debootstrap", "--variant=minbase", "bookworm", args.work / "base", *([args.mirror] if args.mirror else []),
            stdout=subprocess.DEVNULL)
    try:
        stages, final = build(args)
        use(final)
    finally:
        for mounted in sorted(Path("/proc/self/mounts").read_text().splitlines(), reverse=True):
            target = mounted.split()[1]
            if target.startswith(str(args.work) + "/"):
                subprocess.run(["umount", "--lazy", target], check=False)
    say("the Dockerfile's steps end well")


if __name__ == "__main__":
    sys.exit(main())
