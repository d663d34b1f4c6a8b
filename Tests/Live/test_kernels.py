# SPDX-License-Identifier: Apache-2.0
"""The program runs on any x86-64: what is compiled for AVX2 stays in the kernels that are chosen for it.

A generic function or an accessor that two modules share is linked once, from whichever comes first. Had the one that is
compiled for x86-64-v3 won, an older processor would end the program with SIGILL.
"""
import platform
import re
import subprocess

import pytest

from support.process import PROGRAM

# VEX and EVEX instructions, and those of BMI, LZCNT and MOVBE. Not TZCNT: its bytes are a BSF to older processors, and
# compilers use it as that.
NEW = re.compile(
    r"%[yz]mm|\tv[a-z0-9]+ +.*%xmm|"
    r"\t(shlx|shrx|sarx|rorx|mulx|bzhi|pdep|pext|andn|blsr|blsi|blsmsk|bextr|lzcnt|movbe)[wlq]? ")
FUNCTION = re.compile(r"^[0-9a-f]+ <(.*)>:$")
KERNELS = "RowKernelsV3"


@pytest.mark.skipif(platform.machine() != "x86_64", reason="this architecture has one variant of the kernels")
def test_instructions_of_newer_processors_are_in_their_kernels_alone(figure):
    listing = subprocess.Popen(
        ["objdump", "-d", "--no-show-raw-insn", "-j", ".text", PROGRAM], stdout=subprocess.PIPE, text=True, errors="replace")
    kernels, elsewhere, name, functions = set(), {}, "", 0
    for line in listing.stdout:
        if line.endswith(">:\n") and (match := FUNCTION.match(line)):
            name = match[1]
            functions += 1
        elif "\t" in line and NEW.search(line):
            if KERNELS in name:
                kernels.add(name)
            else:
                elsewhere.setdefault(name, line.strip())
    assert listing.wait() == 0
    figure(f"of {functions:,} functions {len(kernels)} have instructions of x86-64-v3, all of them kernels for it")
    assert len(kernels) > 100, "the kernels for x86-64-v3 are not seen: is the program stripped?"
    assert not elsewhere, elsewhere
