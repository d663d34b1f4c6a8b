# SPDX-License-Identifier: Apache-2.0
"""The corpus of the parser's tests, `Tests/HTTP1Tests/Corpus/*.md`: bytes, and what they mean."""
import re
from dataclasses import dataclass

from .process import ROOT

ESCAPES = {"r": b"\r", "n": b"\n", "t": b"\t", "0": b"\0"}


@dataclass
class Case:
    name: str
    content: bytes
    events: list

    def __str__(self):
        return self.name


def spelled(line):
    """A line of an `http` block as bytes: CRLF at its end, unless it ends in a backslash."""
    out, at, data = bytearray(), 0, line.encode()
    while at < len(data):
        if data[at:at + 1] != b"\\":
            out += data[at:at + 1]
            at += 1
        elif at + 1 == len(data):
            return bytes(out)
        elif data[at + 1:at + 2] == b"x":
            out.append(int(data[at + 2:at + 4], 16))
            at += 4
        else:
            name = data[at + 1:at + 2]
            out += ESCAPES.get(name.decode("latin-1"), name)
            at += 2
    return bytes(out) + b"\r\n"


def cases():
    """All cases of all files."""
    found = []
    for path in sorted((ROOT / "Tests/HTTP1Tests/Corpus").glob("*.md")):
        pattern = re.compile(r"^## (.*?)\n(?:(?!^## ).)*?^```http\n(.*?)^```\n.*?^```log\n(.*?)^```", re.M | re.S)
        for title, http, log in pattern.findall(path.read_text()):
            # An escaped line end is a byte of its own: only real ones part the lines.
            content = b"".join(map(spelled, http.split("\n")[:-1]))
            found.append(Case(f"{path.stem}: {title}", content, log.splitlines()))
    return found
