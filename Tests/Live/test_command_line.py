# SPDX-License-Identifier: Apache-2.0
"""The program without a server: `pyramidion pyramid`, flags, exit codes."""
import gzip
import io
import os
import pty
import signal
import socket
import stat
import subprocess
import zipfile

import numpy as np
import pytest

import pyramid_reference as reference
from support.arrays import TYPES, npy_bytes, same
from support.process import PROGRAM, await_condition, clean_environment, run

A = np.asfortranarray(np.random.default_rng(2).integers(0, 1000, (33, 20, 9), dtype=np.uint16))


@pytest.fixture
def source(tmp_path):
    np.save(tmp_path / "in.npy", A)
    return tmp_path / "in.npy"


def read_npz(content):
    with np.load(io.BytesIO(content)) as file:
        return [file[name] for name in file.files]


def read_npy(content):
    stream, arrays = io.BytesIO(content), []
    while stream.tell() < len(content):
        arrays.append(np.load(stream))
    return arrays


def equal(got, want):
    return len(got) == len(want) and all(same(a, b) for a, b in zip(got, want))


def test_npy_to_npz(source, tmp_path):
    done = run("pyramid", source, "-o", tmp_path / "out.npz", "--mips", 3)
    assert done.returncode == 0, done.stderr
    assert done.stdout == b""
    assert equal(read_npz((tmp_path / "out.npz").read_bytes()), reference.averaging(A, (2, 2, 1), 3))
    assert zipfile.ZipFile(tmp_path / "out.npz").namelist() == ["mip1.npy", "mip2.npy", "mip3.npy"]


@pytest.mark.parametrize("flags,want", [
    (["--method", "mode", "--factor", "2,2,2", "--mips", "2"], lambda: reference.segmentation(A, (2, 2, 2), 2)),
    (["--method", "mode", "--precision", "exact", "--sparse"], lambda: reference.segmentation(A, (2, 2, 1), 1, True, "exact")),
    (["--precision", "exact", "--mips", "all"], lambda: reference.averaging(A, (2, 2, 1), 6, False, "exact")),
    (["--method", "median", "--factor", "3,3,1"], lambda: reference.median(A, (3, 3, 1))),
    (["--method", "min"], lambda: reference.min_pooling(A, (2, 2, 1))),
    (["--method", "max", "--mips", "2"], lambda: reference.max_pooling(A, (2, 2, 1), 2)),
    (["--method", "stride", "--factor", "4"], lambda: reference.striding(A, (4,))),
])
def test_every_flag(flags, want, source):
    done = run("pyramid", source, "-o", "-", *flags)
    assert done.returncode == 0, done.stderr
    assert equal(read_npz(done.stdout), want())


@pytest.mark.parametrize("form", ["npz", "npy", "raw"])
@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
def test_standard_input_to_standard_output(compressed, form):
    content = npy_bytes(A)
    done = run("pyramid", "-", "-o", "-", "--mips", 2, "--format", form, input=gzip.compress(content) if compressed else content)
    assert done.returncode == 0, done.stderr
    want = reference.averaging(A, (2, 2, 1), 2)
    if form == "raw":
        assert done.stdout == b"".join(b.tobytes("F") for b in want)
    else:
        assert equal({"npz": read_npz, "npy": read_npy}[form](done.stdout), want)


def test_a_compressed_file(tmp_path):
    (tmp_path / "in.npy.gz").write_bytes(gzip.compress(npy_bytes(A)))
    done = run("pyramid", tmp_path / "in.npy.gz", "-o", tmp_path / "out.npz")
    assert done.returncode == 0, done.stderr
    assert equal(read_npz((tmp_path / "out.npz").read_bytes()), reference.averaging(A, (2, 2, 1)))


@pytest.mark.parametrize("order", ["F", "C"])
@pytest.mark.parametrize("dtype", TYPES)
def test_raw_files(dtype, order, tmp_path):
    a = A.astype(dtype)
    (tmp_path / "in.raw").write_bytes(a.tobytes(order))
    done = run("pyramid", tmp_path / "in.raw", "-o", tmp_path / "out.npz", "--shape", "33,20,9", "--dtype", dtype, "--order", order)
    assert done.returncode == 0, done.stderr
    assert equal(read_npz((tmp_path / "out.npz").read_bytes()), reference.averaging(a, (2, 2, 1)))


@pytest.mark.parametrize("arguments", [
    ["--nonsense"],
    ["nonsense"],
    ["pyramid"],
    ["pyramid", "-", "--method", "best"],
    ["pyramid", "-", "--factor", "0,2"],
    ["pyramid", "-", "--factor", "two"],
    ["pyramid", "-", "--mips", "0"],
    ["pyramid", "-", "--mips", "many"],
    ["pyramid", "-", "--format", "tiff"],
    ["pyramid", "-", "--shape", "0,1", "--dtype", "uint8"],
    ["pyramid", "-", "--shape", "4,4", "--dtype", "uint7"],
    ["pyramid", "-", "--sparse", "--method", "min"],
    ["serve", "--listen", "nonsense"],
    ["serve", "--workers", "-1"],
    ["serve", "--log-level", "loud"],
], ids=" ".join)
def test_a_wrong_command_line_is_64(arguments):
    done = run(*arguments, input=npy_bytes(A))
    assert done.returncode == 64, (done.returncode, done.stderr)
    assert done.stderr.strip() and done.stdout == b""


@pytest.mark.parametrize("arguments,words", [
    (["pyramid", "-", "--workers", "x"], ["--workers", "`x`", "0 to 1024"]),
    (["pyramid", "-", "--workers", "-1"], ["--workers", "`-1`", "0 to 1024"]),
    (["pyramid", "-", "--workers", "1025"], ["--workers", "0 to 1024"]),
    (["pyramid", "-", "--factor", "-2,2"], ["--factor", "whole numbers from 1"]),
    (["pyramid", "-", "--mips", "-1"], ["--mips", "1 to 32"]),
    (["serve", "--workers", "-1"], ["--workers", "0 to 1024"]),
    (["serve", "--loops", "-1"], ["--loops", "1 to"]),
    (["build", "v", "--shard", "-1/3"], ["--shard", "-1/3", "I/N", "0/4"]),
    (["pyramid", "-", "--shape", "4,4,2"], ["--shape", "33,20,9"]),
    (["pyramid", "-", "--dtype", "uint8"], ["--dtype", "uint16"]),
    (["pyramid"], ["'<input>'", "; see `pyramidion pyramid --help`"]),
    (["pyramid", "-", "--foo"], ["'--foo'", "; see `pyramidion pyramid --help`"]),
    (["pyramid", "-", "--mthod", "mode"], ["'--mthod'", "'--method'? See `pyramidion pyramid --help`"]),
    (["pyramid", "-", "-o"], ["-o", "; see `pyramidion pyramid --help`"]),
    (["pyramid", "-", "more"], ["more", "; see `pyramidion pyramid --help`"]),
    (["build"], ["'<name>'", "; see `pyramidion build --help`"]),
    (["--foo"], ["'--foo'", "; see `pyramidion --help`"]),
    (["build", "nix"], ["no volume nix", "none are configured"]),
    (["help", "foo"], ["foo", "serve", "pyramid", "build", "healthcheck"]),
    (["pyramid", "-", "--sparse", "--method", "min"], ["--sparse", "min", "leave it out", "average"]),
    (["foo"], ["foo", "serve", "pyramid", "build", "healthcheck"]),
], ids=lambda words: " ".join(words))
def test_a_wrong_command_line_is_told_what_would_be_right(arguments, words):
    done = run(*arguments, input=npy_bytes(A))
    message = done.stderr.decode()
    assert done.returncode == 64 and len(message.strip().splitlines()) == 1, message
    assert all(word in message for word in words), message
    assert "false" not in message and "x-npy" not in message, message


@pytest.mark.parametrize("flags,words", [(["--shape", "4,4,2"], "--dtype uint8"), (["--dtype", "uint8"], "--shape 512,512,100")])
def test_a_raw_input_needs_both_shape_and_dtype(flags, words, tmp_path):
    (tmp_path / "in.raw").write_bytes(bytes(32))
    for where in ("-", tmp_path / "in.raw"):
        done = run("pyramid", where, *flags, input=bytes(32))
        assert done.returncode == 64 and words in done.stderr.decode(), done.stderr


SAID = [
    ("--shape 33,20,9", None), ("--dtype uint16", None), ("--order F", None), ("--shape 33,20,9 --order F", None),
    ("--shape 33,20,8", "--shape"), ("--dtype int16", "--dtype"), ("--shape 33,20,9 --order C", "--order"),
]
# Without the name of a .npy these are for a raw input.
SAID_OF_A_NAME = [("--shape 33,20,9 --dtype uint16", None), ("--shape 33,20,9 --dtype int16", "--dtype")]


@pytest.mark.parametrize("where,flags,wrong", [
    *(("-", *said) for said in SAID), *((where, *said) for where in ("file", "packed") for said in SAID + SAID_OF_A_NAME),
])
def test_what_is_said_of_an_npy_must_be_right(where, flags, wrong, source, tmp_path):
    """As POST has it: the header says all, and whatever contradicts it is refused."""
    (tmp_path / "in.npy.gz").write_bytes(gzip.compress(source.read_bytes()))
    place = {"file": source, "packed": tmp_path / "in.npy.gz", "-": "-"}[where]
    done = run("pyramid", place, "-o", tmp_path / "out.npz", *flags.split(), input=source.read_bytes())
    if wrong is None:
        assert done.returncode == 0, done.stderr
        assert equal(read_npz((tmp_path / "out.npz").read_bytes()), reference.averaging(A, (2, 2, 1)))
    else:
        assert done.returncode == 64 and f"{wrong}: it contradicts the .npy header".encode() in done.stderr, done.stderr
        assert not (tmp_path / "out.npz").exists()


@pytest.mark.parametrize("content", [
    b"", b"\x93NUMPY", npy_bytes(A)[:-1], npy_bytes(A) + b"x", gzip.compress(npy_bytes(A))[:-4], b"no array at all",
], ids=["empty", "magic", "short", "long", "cut", "text"])
def test_a_wrong_input_is_1_and_said_in_one_line(content, tmp_path):
    (tmp_path / "in.npy").write_bytes(content)
    done = run("pyramid", tmp_path / "in.npy", "-o", tmp_path / "out.npz")
    assert done.returncode == 1, (done.returncode, done.stderr)
    assert len(done.stderr.decode().strip().splitlines()) == 1, done.stderr
    assert not (tmp_path / "out.npz").exists(), "a failure leaves no half file behind"


def test_a_missing_file_is_1_and_named(tmp_path):
    done = run("pyramid", tmp_path / "nothing.npy", "-o", tmp_path / "out.npz")
    assert done.returncode == 1 and b"nothing.npy" in done.stderr
    assert not (tmp_path / "out.npz").exists()


def test_an_output_that_cannot_be_written_is_1_and_named(source, tmp_path):
    done = run("pyramid", source, "-o", tmp_path / "no" / "such" / "folder.npz")
    assert done.returncode == 1 and b"folder.npz" in done.stderr


def test_a_reader_that_leaves_is_no_crash(tmp_path):
    a = np.zeros((512, 512, 64), np.uint8)
    np.save(tmp_path / "in.npy", a)
    process = subprocess.Popen(
        [PROGRAM, "pyramid", tmp_path / "in.npy", "-o", "-"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=clean_environment())
    process.stdout.read(10)
    process.stdout.close()
    _, error = process.communicate(timeout=60)
    assert process.returncode in (1, -13), (process.returncode, error)


def test_a_terminal_sees_progress_and_a_pipe_does_not(source, tmp_path):
    assert run("pyramid", source, "-o", tmp_path / "out.npz").stderr == b""
    a = np.zeros((512, 512, 100), np.uint8)
    np.save(tmp_path / "large.npy", a)
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [PROGRAM, "pyramid", tmp_path / "large.npy", "-o", tmp_path / "out.npz"], stdin=subprocess.DEVNULL, stderr=slave,
        env=clean_environment(TERM="xterm"))
    os.close(slave)
    seen = b""
    try:
        while block := os.read(master, 65536):
            seen += block
    except OSError:
        pass  # the terminal is gone when its last writer is
    os.close(master)
    assert process.wait(60) == 0
    assert b"100" in seen and b"%" in seen, seen


# Where a pyramid goes


WANT = [reference.averaging(A, (2, 2, 1))[0]]


def test_a_pipe_with_a_name_is_written_and_stays(source, tmp_path):
    os.mkfifo(tmp_path / "out.npz")
    reader = subprocess.Popen(["cat", tmp_path / "out.npz"], stdout=subprocess.PIPE)
    try:
        done = run("pyramid", source, "-o", tmp_path / "out.npz", timeout=20)
        content = reader.communicate(timeout=20)[0] if done.returncode == 0 else b""
    finally:
        reader.kill()
        reader.wait()
    assert done.returncode == 0, done.stderr
    assert equal(read_npz(content), WANT)
    assert stat.S_ISFIFO((tmp_path / "out.npz").lstat().st_mode) and sorted(os.listdir(tmp_path)) == ["in.npy", "out.npz"]


@pytest.mark.parametrize("device,code,words", [("/dev/null", 0, ""), ("/dev/full", 1, "No space left on device")])
def test_a_device_is_written_and_stays(device, code, words, source, tmp_path):
    """Behind a link, so that a program that replaced it would do no harm."""
    (tmp_path / "out").symlink_to(device)
    done = run("pyramid", source, "-o", tmp_path / "out", "--format", "npz")
    assert done.returncode == code and words in done.stderr.decode(), (done.returncode, done.stderr)
    assert os.readlink(tmp_path / "out") == device and stat.S_ISCHR(os.stat(device).st_mode)
    assert sorted(os.listdir(tmp_path)) == ["in.npy", "out"]


@pytest.mark.parametrize("name", ["/dev/fd/N", "/proc/self/fd/N", "link"])
def test_a_descriptor_is_written(name, source, tmp_path):
    """As `>(command)` of a shell names it."""
    reading, writing = os.pipe()
    (tmp_path / "link").symlink_to(f"/dev/fd/{writing}")
    name = tmp_path / "link" if name == "link" else name.replace("N", str(writing))
    with open(reading, "rb") as reader:
        done = run("pyramid", source, "-o", name, pass_fds=[writing])
        os.close(writing)
        assert done.returncode == 0, done.stderr
        assert equal(read_npz(reader.read()), WANT)


def test_the_name_of_standard_output_is_standard_output(source, tmp_path):
    """A file there goes on where it stood; a socket, which has no name, works too."""
    (tmp_path / "link").symlink_to("/dev/stdout")
    done = run("pyramid", source, "-o", tmp_path / "link")
    assert done.returncode == 0 and equal(read_npz(done.stdout), WANT), done.stderr
    (tmp_path / "out").write_bytes(b"before")
    with open(tmp_path / "out", "ab") as out:
        subprocess.run([PROGRAM, "pyramid", source, "-o", tmp_path / "link"], stdout=out, check=True, env=clean_environment())
    content = (tmp_path / "out").read_bytes()
    assert content[:6] == b"before" and equal(read_npz(content[6:]), WANT)
    one, other = socket.socketpair()
    with one, other:
        subprocess.run([PROGRAM, "pyramid", source, "-o", tmp_path / "link"], stdout=one.fileno(), check=True, env=clean_environment())
        one.close()
        with other.makefile("rb") as reader:
            assert equal(read_npz(reader.read()), WANT)
    assert sorted(os.listdir(tmp_path)) == ["in.npy", "link", "out"]


@pytest.mark.parametrize("exists", [True, False], ids=["there", "not-yet"])
def test_a_link_is_followed(exists, source, tmp_path):
    (tmp_path / "folder").mkdir()
    target = tmp_path / "folder/target"
    if exists:
        target.write_bytes(b"before")
        before = open(target, "rb")
    (tmp_path / "folder/middle").symlink_to("target")
    (tmp_path / "out.npz").symlink_to("folder/middle")
    done = run("pyramid", source, "-o", tmp_path / "out.npz")
    assert done.returncode == 0, done.stderr
    assert os.readlink(tmp_path / "out.npz") == "folder/middle" and os.readlink(tmp_path / "folder/middle") == "target"
    assert equal(read_npz(target.read_bytes()), WANT) and sorted(os.listdir(tmp_path / "folder")) == ["middle", "target"]
    if exists:
        with before:
            assert before.read() == b"before", "a reader of the old file sees it change"


def test_links_in_a_circle_and_folders_are_refused_at_once(source, tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    for name, words in (("a", b"symbolic links"), (".", b"name a file")):
        done = run("pyramid", source, "-o", tmp_path / name)
        assert done.returncode == 1 and words in done.stderr, done.stderr


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666, 0o444])
def test_a_file_keeps_its_mode(mode, source, tmp_path):
    (tmp_path / "out.npz").write_bytes(b"before")
    (tmp_path / "out.npz").chmod(mode)
    done = run("pyramid", source, "-o", tmp_path / "out.npz")
    assert done.returncode == 0, done.stderr
    assert stat.S_IMODE((tmp_path / "out.npz").stat().st_mode) == mode
    assert equal(read_npz((tmp_path / "out.npz").read_bytes()), WANT)


def begun(tmp_path, **options):
    """The program in the middle of a large input, with an output under its temporary name."""
    process = subprocess.Popen(
        [PROGRAM, "pyramid", "-", "-o", tmp_path / "out.npz"], stdin=subprocess.PIPE, stderr=subprocess.PIPE,
        env=clean_environment(), **options)
    process.stdin.write(npy_bytes(A)[:1000])
    process.stdin.flush()
    await_condition(lambda: list(tmp_path.glob("*.part")) or process.poll() is not None, "no output is begun")
    return process


@pytest.mark.parametrize("number,code", [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_leaves_nothing_half_written(number, code, tmp_path):
    (tmp_path / "out.npz").write_bytes(b"before")
    with begun(tmp_path) as process:
        process.send_signal(number)
        assert process.wait(20) == code, process.stderr.read()
    assert os.listdir(tmp_path) == ["out.npz"] and (tmp_path / "out.npz").read_bytes() == b"before"


def test_a_signal_that_is_ignored_stays_ignored(tmp_path):
    """Behind `nohup`, and in the background of a script."""
    with begun(tmp_path, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)) as process:
        process.send_signal(signal.SIGHUP)
        process.communicate(npy_bytes(A)[1000:], timeout=20)
        assert process.returncode == 0
    assert equal(read_npz((tmp_path / "out.npz").read_bytes()), WANT)


def test_help_and_version():
    version = run("--version")
    assert version.returncode == 0 and version.stdout.strip()
    for command in ([], ["serve"], ["pyramid"], ["healthcheck"]):
        done = run(*command, "--help")
        assert done.returncode == 0 and b"USAGE" in done.stdout.upper()
    assert all(word in run("--help").stdout for word in (b"serve", b"pyramid", b"healthcheck"))
    # Parts leave the coarsest mips, which whoever builds in parts must know.
    assert all(word in run("build", "--help").stdout for word in (b"--shard 1/2", b"coarsest", b"when both are done"))
