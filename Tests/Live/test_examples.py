# SPDX-License-Identifier: Apache-2.0
"""The examples of docs/examples run as their heads say, and print the levels that the reference gives."""
import shutil
import subprocess
import sys

import numpy as np
import pytest

import pyramid_reference as reference
from support.process import ROOT

EXAMPLES = ROOT / "docs/examples"


def expected():
    x, y, z = np.meshgrid(np.arange(64), np.arange(48), np.arange(20), indexing="ij")
    stack = ((x + 2 * y + 3 * z) % 256).astype(np.uint8)
    levels = reference.averaging(stack, (2, 2, 2), 3)
    return "".join(
        f"mip {mip}: {'x'.join(map(str, level.shape))} sum {int(level.sum(dtype=np.uint64))}\n"
        for mip, level in enumerate(levels, 1)
    )


def run(*words, timeout=180):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=timeout)


def tool(name):
    return shutil.which(name) or pytest.skip(f"there is no {name} here")


def program(name, folder):
    """The words that run an example, built where it has to be."""
    match name:
        case "post.py":
            return [sys.executable, EXAMPLES / name]
        case "post.mjs":
            return [tool("node"), EXAMPLES / name]
        case "Post.java":
            return [tool("java"), EXAMPLES / name]
        case "post.cpp":
            compiler = tool("g++")
            probe = run(compiler, "-E", "-x", "c++", "-include", "curl/header.h", "/dev/null")
            if probe.returncode != 0:
                pytest.skip("there are no headers of libcurl 7.83 or later here")
            built = run(compiler, "-std=c++17", "-O2", "-Wall", "-Wextra", "-Werror", EXAMPLES / name, "-o", folder / "post", "-lcurl")
            assert built.returncode == 0, built.stderr
            return [folder / "post"]
    raise AssertionError(f"nobody says how {name} is run")


NAMES = sorted(path.name for path in EXAMPLES.iterdir() if path.is_file())


@pytest.mark.parametrize("name", NAMES)
def test_an_example_prints_the_levels(name, server, tmp_path):
    done = run(*program(name, tmp_path), server.url)
    assert (done.returncode, done.stdout) == (0, expected()), done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_an_example_says_what_went_wrong(name, server, tmp_path):
    """A path in front makes the service answer 404."""
    done = run(*program(name, tmp_path), server.url + "/nowhere")
    assert done.returncode == 1 and "404" in done.stderr, (done.stdout, done.stderr)


@pytest.mark.parametrize("name", NAMES)
def test_the_guide_shows_how_an_example_is_run(name):
    assert name in (ROOT / "docs/guides/acquire-and-post.md").read_text()
