# SPDX-License-Identifier: Apache-2.0
"""Killed with -9 in the middle of uploads, replacements and deletes: every volume is whole or absent."""
import os
import threading
from concurrent.futures import ThreadPoolExecutor

from support.arrays import same
from support.process import Server
from support.volumes import cutout, info, picture, remains, step, upload

KILLS = int(os.environ.get("KILLS", 20))
NAMES = ["a", "b", "c"]


class Versions:
    """Arrays by their number, each with its levels."""

    def __init__(self, dice):
        self.dice, self.levels = dice, {}

    def new(self):
        number = len(self.levels)
        first = picture(self.dice, (45, 35, 12), "uint8")
        second, begin = step(first, (0, 0, 0), (2, 2, 1))
        self.levels[number] = [first, second, step(second, begin, (2, 2, 1))[0]]
        return number

    def array(self, number):
        return self.levels[number][0][..., 0]


def change(server, dice, versions, possible):
    """Uploads, replaces and deletes until the server is gone; `possible` has what may be there of each name."""
    while True:
        name = dice.choice(NAMES)
        [now] = possible[name]
        if now is not None and dice.random() < 0.3:
            possible[name] = {now, None}
            if not attempt(lambda: server.get(f"/v1/volumes/{name}", method="DELETE"), 204):
                return
            possible[name] = {None}
        else:
            new = versions.new()
            possible[name] = {now, new}
            fields = [] if now is None else [("If-Match", "*")]
            options = dict(chunk_size="16,16,4", fields=fields)
            if not attempt(lambda: upload(server, name, versions.array(new), **options), 201):
                return
            possible[name] = {new}


def attempt(work, status):
    """Whether there was an answer; it must be the right one."""
    try:
        reply = work()
    except (OSError, EOFError):
        return False
    assert reply.status == status, (reply.status, reply.body)
    return True


def found(server, name, versions, possible):
    """Which version is there, looked at in all its levels."""
    if server.get(f"/v1/volumes/{name}").status == 404:
        assert server.get(f"/precomputed/{name}/info").status == 404
        return None
    first = cutout(server, name)
    [number] = [n for n in possible if n is not None and same(first, versions.array(n))] or [-1]
    assert number >= 0, f"{name} is none of the versions {possible}"
    levels = versions.levels[number]
    assert len(info(server, name)["scales"]) >= len(levels)
    for mip, want in enumerate(levels):
        assert same(cutout(server, name, mip), want[..., 0]), (name, mip)
    return number


def test_kill_at_any_moment_leaves_whole_volumes(dice, figure, tmp_path):
    """After each restart a volume is whole or absent, what was answered 201 or 204 holds, and nothing else remains."""
    versions = Versions(dice)
    possible = {name: {None} for name in NAMES}
    unsure = 0
    for kill in range(KILLS + 1):
        with Server("--data", str(tmp_path)) as server:
            for name in NAMES:
                there = found(server, name, versions, possible[name])
                assert there in possible[name], (kill, name, there, possible[name])
                unsure += len(possible[name]) > 1
                possible[name] = {there}
            assert len([path for path in remains(tmp_path) if path.endswith("/info")]) == sum(
                there is not None for [there] in possible.values())
            if kill == KILLS:
                break
            with ThreadPoolExecutor(1) as pool:
                work = pool.submit(change, server, dice, versions, possible)
                # The moment is what is random here; nothing is waited for.
                threading.Event().wait(dice.uniform(0.005, 0.15))
                server.process.kill()
                server.process.wait()
                work.result()
    figure(f"uploads: {KILLS} kills, {unsure} in the middle of a change")
