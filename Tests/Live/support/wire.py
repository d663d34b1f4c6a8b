# SPDX-License-Identifier: Apache-2.0
"""
An HTTP/1.1 client that forgives nothing.

It sends exactly the bytes it is given, and reads answers as RFC 9112 defines them: CRLF only, one framing,
no byte too many. An answer that breaks a rule is an AssertionError.
"""
import json
import re
import socket
import time
import zlib
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
DATE = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT")
DEADLINE = 30.0


@dataclass
class Reply:
    status: int
    reason: str
    fields: list
    body: bytes = b""
    framing: str = "none"
    interim: list = field(default_factory=list)

    def __getitem__(self, name):
        """The one value of a field; it must be there exactly once."""
        values = self.all(name)
        assert len(values) == 1, f"{name}: expected once, got {values} in {self.fields}"
        return values[0]

    def all(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def get(self, name, default=None):
        values = self.all(name)
        assert len(values) <= 1, f"{name} more than once: {values}"
        return values[0] if values else default

    @property
    def closes(self):
        return "close" in [part.strip().lower() for value in self.all("Connection") for part in value.split(",")]

    @property
    def content(self):
        """The body without its content coding."""
        coding = self.get("Content-Encoding", "identity")
        if coding == "identity":
            return self.body
        assert coding == "gzip", f"answers are coded with gzip alone, not {coding}"
        inflater = zlib.decompressobj(31)
        content = inflater.decompress(self.body)
        assert inflater.eof, "the gzip member has no end"
        assert inflater.unused_data == b"", "bytes behind the gzip member"
        return content

    @property
    def problem(self):
        """The members of an RFC 9457 error, checked."""
        assert self["Content-Type"].split(";")[0].strip() == "application/problem+json", self.fields
        members = json.loads(self.body)
        assert members["status"] == self.status, members
        for name in ("type", "title", "detail"):
            assert isinstance(members[name], str) and members[name].strip(), (name, members)
        return members


def parse_fields(block):
    """Field lines, CRLF between them, as (name, value) pairs."""
    fields = []
    for line in block.split(b"\r\n"):
        name, colon, value = line.partition(b":")
        assert colon and TOKEN.fullmatch(name), f"bad field line {line!r}"
        assert not re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", value), f"control byte in {line!r}"
        fields.append((name.decode(), value.strip(b" \t").decode("latin-1")))
    return fields


class Wire:
    """One connection, and what is left over of what was read from it."""

    def __init__(self, address, timeout=DEADLINE):
        if isinstance(address, tuple):
            self.socket = socket.create_connection(address, timeout=timeout)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        else:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(timeout)
            self.socket.connect(str(address))
        self.pending = bytearray()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, *parts):
        for part in parts:
            self.socket.sendall(part)

    def finish_sending(self):
        self.socket.shutdown(socket.SHUT_WR)

    def _more(self):
        block = self.socket.recv(1 << 20)
        if not block:
            raise EOFError(f"closed after {bytes(self.pending[:200])!r}")
        self.pending += block

    def _until(self, mark, limit=1 << 16):
        while mark not in self.pending:
            assert len(self.pending) <= limit, "endless head"
            self._more()
        block, _, rest = bytes(self.pending).partition(mark)
        self.pending = bytearray(rest)
        return block

    def read_exactly(self, count):
        while len(self.pending) < count:
            self._more()
        block = bytes(self.pending[:count])
        del self.pending[:count]
        return block

    def read_head(self):
        """One head, final or interim, as a Reply without a body."""
        head = self._until(b"\r\n\r\n")
        line, _, block = head.partition(b"\r\n")
        match = re.fullmatch(rb"HTTP/1\.1 (\d{3}) ([\t\x20-\x7e\x80-\xff]*)", line)
        assert match, f"bad status line {line!r}"
        assert b"\n" not in head.replace(b"\r\n", b""), "bare LF in the head"
        reply = Reply(int(match[1]), match[2].decode(), parse_fields(block) if block else [])
        if reply.status >= 200:
            date = reply["Date"]
            assert DATE.fullmatch(date), date
            assert abs(parsedate_to_datetime(date).timestamp() - time.time()) < 100, date
        return reply

    def read_chunked(self):
        body = bytearray()
        while True:
            line = self._until(b"\r\n")
            assert re.fullmatch(rb"[0-9A-Fa-f]{1,16}(;.*)?", line), f"bad chunk size {line!r}"
            size = int(line.partition(b";")[0], 16)
            if size == 0:
                break
            body += self.read_exactly(size)
            assert self.read_exactly(2) == b"\r\n", "no CRLF behind chunk data"
        while self._until(b"\r\n"):
            pass
        return bytes(body)

    def read(self, method="POST"):
        """The next final answer, interim ones kept in `interim`."""
        interim = []
        while (reply := self.read_head()).status < 200:
            assert reply.status != 101 and not reply.all("Content-Length") and not reply.all("Transfer-Encoding")
            interim.append(reply)
        reply.interim = interim
        lengths, codings = reply.all("Content-Length"), reply.all("Transfer-Encoding")
        assert not (lengths and codings), "two framings"
        assert len(lengths) <= 1 and len(codings) <= 1, reply.fields
        if method == "HEAD" or reply.status in (204, 304):
            assert not codings or method == "HEAD", reply.fields
            return reply
        if codings:
            assert codings[0].lower() == "chunked", codings
            reply.framing, reply.body = "chunked", self.read_chunked()
        elif lengths:
            assert re.fullmatch(r"\d+", lengths[0]), lengths
            reply.framing, reply.body = "length", self.read_exactly(int(lengths[0]))
        else:
            assert reply.closes, "no framing, and the connection is not closed"
            reply.framing, reply.body = "close", self.read_to_end()
        return reply

    def read_to_end(self):
        """Everything until the peer closes."""
        while True:
            try:
                block = self.socket.recv(1 << 20)
            except ConnectionResetError:
                break
            if not block:
                break
            self.pending += block
        block = bytes(self.pending)
        self.pending.clear()
        return block

    def expect_closed(self):
        """The peer closes, and has nothing more to say."""
        rest = self.read_to_end()
        assert rest == b"", f"bytes behind the last answer: {rest[:200]!r}"

    def settle(self, reply):
        """After an answer the connection is either closed, as announced, or serves the next request."""
        if reply.closes:
            self.expect_closed()
            return "closed"
        self.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        after = self.read("GET")
        assert after.status == 200, (after.status, after.body)
        return "kept"


def head(method, target, fields=(), version="1.1", host="localhost"):
    """A request head as bytes."""
    lines = [f"{method} {target} HTTP/{version}"]
    if host is not None:
        lines.append(f"Host: {host}")
    lines += [f"{name}: {value}" for name, value in fields]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def chunked(body, sizes):
    """A body in the chunked coding; `sizes` yields the size of each chunk."""
    out, at = bytearray(), 0
    for size in sizes:
        if at >= len(body):
            break
        part = body[at:at + size]
        out += b"%x\r\n" % len(part) + part + b"\r\n"
        at += len(part)
    assert at >= len(body), "too few chunk sizes"
    return bytes(out + b"0\r\n\r\n")
