# SPDX-License-Identifier: Apache-2.0
"""
Measuring: two things in turn, several times, the medians' ratio. A time alone is never reported.

What runs beside it (another user, the processor's clock) hits both alike when they take turns.
"""
import gc
import math
import statistics
import subprocess
import time
from dataclasses import dataclass


@dataclass
class Row:
    """One line of the table: `ours` over `theirs`, and how small (or large) it has to be."""
    what: str
    against: str
    reach: float | None
    measured: float
    spread: str = ""
    unit: str = "x"
    at_least: bool = False

    @property
    def verdict(self):
        if self.reach is None:
            return "reported"
        met = self.measured >= self.reach if self.at_least else self.measured <= self.reach
        return "yes" if met else "NO"

    def line(self):
        reach = "-" if self.reach is None else f"{'>=' if self.at_least else '<='} {self.reach:.3g}{self.unit}"
        return f"| {self.what} | {self.against} | {reach} | {self.measured:.3g}{self.unit} | {self.spread} | {self.verdict} |"


HEADER = "| what | against | reach | measured | spread | met |\n|---|---|---|---|---|---|"


def seconds(call):
    """One call's time; what it returned is freed outside of it."""
    gc.collect()
    begin = time.perf_counter()
    kept = call()
    took = time.perf_counter() - begin
    del kept
    return took


def computing(call):
    """The seconds that this process computed for one call, all threads together."""
    gc.collect()
    begin = time.process_time()
    kept = call()
    took = time.process_time() - begin
    del kept
    return took


def in_turn(calls, rounds):
    """Medians of the calls' times; each gives seconds. The first round warms up and does not count."""
    times = [[] for _ in calls]
    for number in range(rounds + 1):
        for index, call in enumerate(calls):
            took = call()
            if number:
                times[index].append(took)
    return [statistics.median(column) for column in times], times


def ratio(what, against, reach, ours, theirs, rounds=5):
    """A row from two calls that give seconds; the spread is of the rounds' own ratios."""
    (a, b), (left, right) = in_turn([ours, theirs], rounds)
    each = sorted(x / y for x, y in zip(left, right))
    return Row(what, against, reach, a / b, f"{each[0]:.3g}-{each[-1]:.3g}")


def ratio_and_floor(what, against, reach, ours, theirs, floor, rounds=5, least_is="read the input once, write the levels"):
    """As `ratio`; a row that falls short is followed by its floor over the same peer, from the same rounds."""
    (a, b, c), (left, right, least) = in_turn([ours, theirs, floor], rounds)
    each = sorted(x / y for x, y in zip(left, right))
    row = Row(what, against, reach, a / b, f"{each[0]:.3g}-{each[-1]:.3g}")
    yield row
    if row.verdict == "NO":
        each = sorted(x / y for x, y in zip(least, right))
        yield Row(f"floor of {what}: {least_is}", against, None, c / b,
                  f"{each[0]:.3g}-{each[-1]:.3g}")


class Kernels:
    """The program that runs kernels in memory, by orders over a pipe."""

    def __init__(self, program):
        self.process = subprocess.Popen([program, "kernels"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def order(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, f"the kernels ended at {words}"
        return answer.split()

    def take(self, path):
        self.order("array", path)

    def pyramid(self, a, method, factor, mips, sparse=False, precision="compat", order="F", lanes=1):
        """A call for `in_turn`."""
        words = ("pyramid", a.dtype.name, ",".join(map(str, a.shape)), method, precision, ",".join(map(str, factor)), mips,
                 "true" if sparse else "false", order, lanes)
        return lambda: float(self.order(*words)[0])

    def sum(self, lanes):
        return lambda: float(self.order("sum", lanes)[0])

    def floor(self, a, factor, mips):
        """Reading `a` once and writing levels of the size of its mips, one thread."""
        shape, sizes = a.shape, []
        for _ in range(mips):
            shape = [-(-n // f) for n, f in zip(shape, factor)]
            sizes.append(math.prod(shape) * a.itemsize)
        return lambda: float(self.order("floor", ",".join(map(str, sizes)))[0])

    def inflate(self):
        """Inflating the input, one thread, into one buffer over and over."""
        return lambda: float(self.order("inflate")[0])

    def copy(self):
        return lambda: float(self.order("copy")[0])

    def close(self):
        self.process.stdin.close()
        self.process.wait(30)


def machine():
    """The processor by what it can, not by its name."""
    lines = open("/proc/cpuinfo").read().splitlines()
    flags = set(next(line for line in lines if line.startswith("flags")).split(":")[1].split())
    level = "x86-64-v4" if {"avx512f", "avx512bw", "avx512vl"} <= flags else "x86-64-v3" if "avx2" in flags else "x86-64-v2"
    wanted = ["avx2", "bmi2", "avx512f", "avx512bw", "avx512_vbmi", "avx512_bf16", "vpclmulqdq"]
    cores = sum(line.startswith("processor") for line in lines)
    cache = next((line.split(":")[1].strip() for line in lines if line.startswith("cache size")), "?")
    return f"{cores} cores of {level} ({', '.join(f for f in wanted if f in flags)}), {cache} of L2 a core"
