# SPDX-License-Identifier: Apache-2.0
"""What is made is made once, kept as a plain volume, and whole after any crash."""
import contextlib
import resource
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from support.arrays import same
from support.process import Server, await_condition, run
from support.source import Source
from support.volumes import (change_info, configuration, info, kept, labels, picture, read, serving, steps, targets,
                             write)
from support.wire import head

KILLS = 20


def chunks(server, name, level):
    """Every chunk of a level, by its target."""
    found = {}
    for target in targets(server, name, level):
        reply = server.get(target)
        assert reply.status == 200, (target, reply.status, reply.body[:300])
        found[target.removeprefix(f"/precomputed/{name}/")] = reply.body
    return found


def test_kept_levels_are_a_plain_volume(dice, tmp_path):
    """With the service off, tensorstore reads the made levels from the data folder."""
    array = labels(dice, (75, 51, 21), "uint64")
    write(tmp_path / "v", array, begin=(-3, 2, 1), encoding="compressed_segmentation")
    want = steps(array, (-3, 2, 1), (2, 2, 1), 2, "mode")
    with serving(tmp_path, {"v": {"source": tmp_path / "v", "mips": 2}}) as server:
        for level in (1, 2):
            chunks(server, "v", level)
        assert server.stop() == 0
    for level in (0, 1):
        assert same(read(tmp_path / "data/levels/v", level), want[level + 1])


def test_a_restart_makes_nothing_again(dice, tmp_path):
    """After a restart the same bytes come although the source has lost its chunks."""
    write(tmp_path / "v", picture(dice, (75, 51, 21), "uint8"))
    volumes = {"v": {"source": tmp_path / "v", "mips": 2}}
    with serving(tmp_path, volumes) as server:
        before = [chunks(server, "v", level) for level in (1, 2)]
        tags = [server.get(target)["ETag"] for target in targets(server, "v", 2)]
        assert server.stop() == 0
    shutil.rmtree(tmp_path / "v/8_8_40")
    with serving(tmp_path, volumes) as server:
        assert [chunks(server, "v", level) for level in (1, 2)] == before
        assert [server.get(target)["ETag"] for target in targets(server, "v", 2)] == tags


def test_a_coarse_chunk_keeps_what_it_is_made_of(dice, tmp_path):
    """The chunks between the source and the one asked for are kept too."""
    write(tmp_path / "v", picture(dice, (128, 128, 16), "uint8"))
    with serving(tmp_path, {"v": {"source": tmp_path / "v", "mips": 2}}) as server:
        assert server.get(targets(server, "v", 2)[0]).status == 200
        assert server.stop() == 0
    assert sorted(kept(tmp_path, "v")) == sorted(
        ["32_32_40/0-32_0-32_0-16"] + [f"16_16_40/{x}_{y}_0-16" for x in ("0-32", "32-64") for y in ("0-32", "32-64")])


@pytest.mark.parametrize("change", ["method", "factor", "encoding", "source"])
def test_a_change_starts_the_levels_afresh(change, dice, tmp_path):
    """Another method, factor, encoding or source info is seen at the start, and no old chunk is served."""
    array = picture(dice, (75, 51, 21), "uint8")
    write(tmp_path / "v", array)
    settings = {"source": tmp_path / "v", "mips": 2}
    with serving(tmp_path, {"v": settings}) as server:
        old = chunks(server, "v", 1)
        assert server.stop() == 0
    if change == "source":
        array = 255 - array
        shutil.rmtree(tmp_path / "v")
        write(tmp_path / "v", array)
        change_info(tmp_path / "v", lambda info: info.update(version=2))
    else:
        settings |= {"method": {"method": "max"}, "factor": {"factor": [2, 2, 2]}, "encoding": {"encoding": "png"}}[change]
    want = steps(array, (0, 0, 0), settings.get("factor", (2, 2, 1)), 2, settings.get("method", "average"))
    with serving(tmp_path, {"v": settings}) as server:
        assert not set(kept(tmp_path, "v").items()) & set(old.items()), "old chunks are still there"
        for level in (1, 2):
            assert same(read(f"{server.url}/precomputed/v", level), want[level])


def test_a_service_keeps_nothing_in_levels_that_a_build_began_anew(dice, tmp_path):
    """What it makes by its old settings is served, and neither kept nor mixed with what the build made by others."""
    array = picture(dice, (128, 128, 16), "uint8")
    write(tmp_path / "v", array)
    old, new = ({"v": {"source": tmp_path / "v", "mips": 1, "method": method}} for method in ("average", "max"))
    with serving(tmp_path, old, settings="cache: {memory: 0}\n") as server:
        assert server.get(targets(server, "v", 1)[0]).status == 200
        ended = built(tmp_path, new)
        assert ended.returncode == 0, ended.stderr
        before = kept(tmp_path, "v")
        assert len(before) == len(targets(server, "v", 1))
        assert same(read(f"{server.url}/precomputed/v", 1), steps(array, (0, 0, 0), (2, 2, 1), 1)[1])
        assert server.stop() == 0
        assert server.log.count("a chunk was not kept") == 1, server.log
    assert kept(tmp_path, "v") == before
    with serving(tmp_path, new) as server:
        assert same(read(f"{server.url}/precomputed/v", 1), steps(array, (0, 0, 0), (2, 2, 1), 1, "max")[1])


def test_nothing_is_kept_without_a_data_folder(dice, tmp_path):
    """`data: null` makes levels all the same, for as long as memory holds them."""
    array = picture(dice, (75, 51, 21), "uint8")
    write(tmp_path / "v", array)
    with Server(config="data: null\n" + configuration({"v": {"source": tmp_path / "v", "mips": 1}})) as server:
        assert same(read(f"{server.url}/precomputed/v", 1), steps(array, (0, 0, 0), (2, 2, 1), 1)[1])
        assert not (server.log_path.parent / "data").exists()


def test_a_hundred_clients_for_one_cold_chunk_make_it_once(dice, tmp_path):
    """Each chunk of the source is read once, although all wait for the same coarse chunk at the same time."""
    array = picture(dice, (128, 128, 16), "uint8")
    write(tmp_path / "v", array)
    with Source(tmp_path) as source, serving(tmp_path, {"v": {"source": f"{source.url}/v", "mips": 2}}) as server:
        target = targets(server, "v", 2)[0]
        source.held = "8_8_40"
        with ThreadPoolExecutor(100) as pool:
            replies = [pool.submit(server.get, target) for _ in range(100)]
            await_condition(lambda: connections(server) > 100, "a hundred clients never were there at once")
            source.open_gate()
            bodies = {(reply.result().status, reply.result().body) for reply in replies}
        assert len(bodies) == 1 and bodies.pop()[0] == 200
        reads = {path: count for path, count in source.asked.items() if "8_8_40" in path}
        assert len(reads) == 16 and set(reads.values()) == {1}, reads
        assert same(read(f"{server.url}/precomputed/v", 2), steps(array, (0, 0, 0), (2, 2, 1), 2)[2])


def test_a_thousand_clients_for_one_cold_chunk_make_it_once(dice, tmp_path):
    """A thousand sockets, opened before anything is made, ask for one chunk: one is made, and all get it."""
    array = picture(dice, (128, 128, 16), "uint8")
    write(tmp_path / "v", array)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4096)), hard))
    try:
        with Source(tmp_path) as source, serving(tmp_path, {"v": {"source": f"{source.url}/v", "mips": 2}}) as server:
            target = targets(server, "v", 2)[0]
            source.held = "8_8_40"
            with contextlib.ExitStack() as stack:
                wires = [stack.enter_context(server.connect()) for _ in range(1000)]
                for wire in wires:
                    wire.send(head("GET", target))
                await_condition(lambda: connections(server) > 1000, "a thousand clients never were there at once")
                source.open_gate()
                replies = [wire.read() for wire in wires]
            assert {reply.status for reply in replies} == {200}
            assert len({reply.body for reply in replies}) == 1
            # The chunk, and the four of level 1 that it is made of; each of the source's is read once.
            assert metric(server, "pyramidion_chunks_made_total") == 5
            reads = {path: count for path, count in source.asked.items() if "8_8_40" in path}
            assert len(reads) == 16 and set(reads.values()) == {1}, reads
            assert metric(server, "pyramidion_source_objects_total") == 16
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_chunks_of_a_folder_that_are_asked_for_at_once_are_made_once(dice, tmp_path):
    """Of all levels at a time, packed and not: each is made once, whoever needs it, and kept as it was sent."""
    array = labels(dice, (160, 130, 70), "uint64")
    write(tmp_path / "v", array, chunk=(32, 32, 32), encoding="compressed_segmentation")
    volumes = {"v": {"source": tmp_path / "v", "factor": [2, 2, 2], "mips": 3}}
    with serving(tmp_path, volumes) as server:
        asked = [(target, fields) for level in (1, 2, 3) for target in targets(server, "v", level)
                 for fields in ((), [("Accept-Encoding", "gzip")])] * 2
        dice.shuffle(asked)
        with ThreadPoolExecutor(16) as pool:
            replies = list(pool.map(lambda each: server.get(each[0], list(each[1])), asked))
        assert {reply.status for reply in replies} == {200}
        bodies = {}
        for (target, _), reply in zip(asked, replies):
            bodies.setdefault(target.removeprefix("/precomputed/v/"), set()).add(reply.content)
        assert {len(each) for each in bodies.values()} == {1}
        assert metric(server, "pyramidion_chunks_made_total") == len(bodies)
        assert metric(server, "pyramidion_source_objects_total") > 0
        assert same(read(f"{server.url}/precomputed/v", 3), steps(array, (0, 0, 0), (2, 2, 2), 3, "mode")[3])
        assert server.stop() == 0
    assert {key: {body} for key, body in kept(tmp_path, "v").items()} == bodies


def connections(server):
    return metric(server, "pyramidion_connections")


def metric(server, name):
    for line in server.get("/metrics").body.decode().splitlines():
        if line.startswith(f"{name} "):
            return int(line.split()[1])
    raise AssertionError(f"there is no {name}")


def built(tmp_path, volumes, *arguments, settings=""):
    (tmp_path / "config.yaml").write_text(settings + configuration(volumes))
    return run("build", "v", "--config", tmp_path / "config.yaml", "--data", tmp_path / "data", *arguments)


def test_work_under_way_never_waits_for_one_who_waits_for_its_memory(dice, tmp_path):
    """A coarse chunk that holds the memory gets its parent, although another client asked for that parent first."""
    array = picture(dice, (160, 40, 40), "uint8")
    write(tmp_path / "v", array, chunk=(40, 40, 40))
    # Room for the coarse chunk, and not for its parent beside it.
    settings = "limits: {memory: 1280KiB}\ntimeouts: {memory_wait: 4s}\n"
    with Source(tmp_path) as source, ThreadPoolExecutor(2) as clients:
        volumes = {"v": {"source": f"{source.url}/v", "mips": 2, "factor": [2, 1, 1]}}
        with serving(tmp_path, volumes, settings=settings) as server:
            source.held = "/0-40_0-40_0-40"
            coarse = clients.submit(server.get, targets(server, "v", 2)[0])
            await_condition(lambda: any(source.held in path for path in source.asked), "the source is not asked")
            parent = clients.submit(server.get, targets(server, "v", 1)[1])
            await_condition(lambda: b"\npyramidion_pyramids_waiting 1\n" in server.get("/metrics").body,
                            "the parent does not wait for memory")
            source.open_gate()
            assert (coarse.result().status, parent.result().status) == (200, 200)
            assert same(read(f"{server.url}/precomputed/v", 2), steps(array, (0, 0, 0), (2, 1, 1), 2)[2])


def test_a_chunk_of_too_much_source_is_503_until_it_is_built(dice, tmp_path):
    """Over limits.source_voxels the answer names it and `pyramidion build`; after that the chunk is there."""
    array = picture(dice, (128, 128, 16), "uint8")
    write(tmp_path / "v", array)
    volumes, settings = {"v": {"source": tmp_path / "v", "mips": 2}}, "limits: {source_voxels: 100000}\n"
    with serving(tmp_path, volumes, settings=settings) as server:
        target = targets(server, "v", 2)[0]
        reply = server.get(target)
        assert reply.status == 503 and reply["Retry-After"]
        assert "limits.source_voxels" in reply.problem["detail"] and "build" in reply.problem["detail"]
        assert kept(tmp_path, "v") == {}
        # The finer level costs a quarter, and is within the limit.
        assert server.get(targets(server, "v", 1)[0]).status == 200
        ended = built(tmp_path, volumes, settings=settings)
        assert ended.returncode == 0, ended.stderr
        assert server.get(target).status == 200
        assert same(read(f"{server.url}/precomputed/v", 2), steps(array, (0, 0, 0), (2, 2, 1), 2)[2])


def test_shards_of_a_build_and_then_the_build_leave_everything_kept(dice, tmp_path):
    """Parts 0/2 and 1/2 each make a share; the build after them makes what is left."""
    array = picture(dice, (150, 130, 20), "uint8")
    write(tmp_path / "v", array, begin=(-5, 3, 0))
    volumes = {"v": {"source": tmp_path / "v", "mips": 3}}
    made = []
    for part in ("0/2", "1/2"):
        ended = built(tmp_path, volumes, "--shard", part)
        assert ended.returncode == 0, ended.stderr
        made.append(set(kept(tmp_path, "v")))
    assert made[0] and made[1] > made[0]
    assert built(tmp_path, volumes).returncode == 0
    before = kept(tmp_path, "v")
    shutil.rmtree(tmp_path / "v/8_8_40")
    with serving(tmp_path, volumes) as server:
        for level in (1, 2, 3):
            served = chunks(server, "v", level)
            assert all(before[key] == body for key, body in served.items())
        for level, want in enumerate(steps(array, (-5, 3, 0), (2, 2, 1), 3)[1:], 1):
            assert same(read(f"{server.url}/precomputed/v", level), want)
        assert set(before) == {target.removeprefix("/precomputed/v/") for level in (1, 2, 3)
                               for target in targets(server, "v", level)}


def test_a_build_that_can_keep_nothing_is_a_failure(dice, tmp_path):
    """It says so before it makes anything."""
    write(tmp_path / "v", picture(dice, (40, 40, 10), "uint8"))
    (tmp_path / "data").mkdir()
    (tmp_path / "data/levels").write_text("a file")
    ended = built(tmp_path, {"v": {"source": tmp_path / "v", "mips": 1}})
    assert ended.returncode == 1 and b"nothing could be kept" in ended.stderr, ended


def test_parts_of_a_build_that_begin_together_keep_all_they_make(dice, tmp_path):
    """Of several processes that find an empty folder, one makes it anew, and none removes what another has made."""
    write(tmp_path / "v", picture(dice, (150, 130, 20), "uint8"), chunk=(16, 16, 16))
    volumes = {"v": {"source": tmp_path / "v", "mips": 1}}
    settings = tmp_path / "config.yaml"
    settings.write_text(configuration(volumes))
    for number in range(20):
        place = tmp_path / str(number)
        with ThreadPoolExecutor(4) as parts:
            ended = list(parts.map(
                lambda part: run("build", "v", "--config", settings, "--data", place / "data", "--shard", f"{part}/4"), range(4)))
        assert [part.returncode for part in ended] == [0] * 4, ended
        with serving(place, volumes) as server:
            assert len(kept(place, "v")) == len(targets(server, "v", 1))


def test_a_build_of_what_is_not_there_says_so(tmp_path):
    """An unknown volume is a wrong command line; a source that is gone is a failure; a part must be one."""
    volumes = {"v": {"source": tmp_path / "gone"}}
    ended = built(tmp_path, volumes)
    assert ended.returncode == 1 and b"gone" in ended.stderr
    assert built(tmp_path, volumes, "--shard", "2/2").returncode == 64
    ended = run("build", "other", "--config", tmp_path / "config.yaml")
    assert ended.returncode == 64 and b"other" in ended.stderr


def test_kill_at_any_moment_leaves_whole_chunks_or_none(dice, tmp_path):
    """Killed with -9 while it makes chunks: what is kept then is right, and the next start goes on from there."""
    array = picture(dice, (330, 290, 40), "uint16")
    write(tmp_path / "v", array, chunk=(32, 32, 16))
    volumes = {"v": {"source": tmp_path / "v", "mips": 3}}
    want = dict(expected_chunks(tmp_path, array, volumes))
    shutil.rmtree(tmp_path / "data")
    progress = []
    for kill in range(KILLS):
        with serving(tmp_path, volumes) as server:
            missing = sorted(set(want) - set(kept(tmp_path, "v")))
            if not missing:
                shutil.rmtree(tmp_path / "data")
                continue
            with ThreadPoolExecutor(4) as pool:
                asked = [pool.submit(attempt, server, f"/precomputed/v/{key}")
                         for key in dice.sample(missing, min(40, len(missing)))]
                # The moment is random in the work, not in time: after so many answers. Batches begin at sixteen.
                asked[dice.randrange(len(asked))].result()
                server.process.kill()
                server.process.wait()
        found = kept(tmp_path, "v")
        progress.append(len(found))
        wrong = [key for key, body in found.items() if want.get(key) != body]
        assert not wrong, (kill, wrong)
    assert any(progress), "nothing was ever kept, so that nothing was tested"
    with serving(tmp_path, volumes) as server:
        for level in (1, 2, 3):
            assert all(want[key] == body for key, body in chunks(server, "v", level).items())


def attempt(server, target):
    try:
        return server.get(target).status
    except (OSError, EOFError):
        return None


def expected_chunks(tmp_path, array, volumes):
    """The chunks of all made levels: cut from what the levels must hold."""
    with serving(tmp_path, volumes) as server:
        scales = info(server, "v")["scales"]
    for level, voxels in enumerate(steps(array, (0, 0, 0), (2, 2, 1), 3)):
        if level == 0:
            continue
        scale = scales[level]
        chunk = scale["chunk_sizes"][0]
        for begin in np.ndindex(*(-(-n // c) for n, c in zip(scale["size"], chunk))):
            low = [b * c for b, c in zip(begin, chunk)]
            high = [min(l + c, n) for l, c, n in zip(low, chunk, scale["size"])]
            box = voxels[tuple(map(slice, low, high))]
            name = "_".join(f"{l}-{h}" for l, h in zip(low, high))
            yield f"{scale['key']}/{name}", box.tobytes(order="F")
