# SPDX-License-Identifier: Apache-2.0
"""Arrays as request bodies, answers as arrays."""
import gzip
import io
import re
import struct
import zipfile
import zlib
from math import prod
from urllib.parse import urlencode

import numpy as np

from .wire import chunked, head

TYPES = ["uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float32", "float64"]
ACCEPT = {
    "npz": "application/zip",
    "npy": "application/x-npy",
    "multipart": "multipart/mixed",
    "raw": "application/octet-stream",
}
FORMATS = list(ACCEPT)


def target(path="/v1/pyramid", **parameters):
    """A target with its query; tuples are comma lists, booleans lower case, None is left out."""
    def spell(value):
        if isinstance(value, bool):
            return "true" if value else "false"
        return ",".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)

    pairs = [(name, spell(value)) for name, value in parameters.items() if value is not None]
    return path + ("?" + urlencode(pairs, safe=",") if pairs else "")


def same(a, b):
    """Bit for bit; any NaN equals any NaN."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.dtype.kind != "f":
        return bool(np.array_equal(a, b))
    bits = f"u{a.dtype.itemsize}"
    equal = np.ascontiguousarray(a).view(bits) == np.ascontiguousarray(b).view(bits)
    return bool((equal.reshape(a.shape) | (np.isnan(a) & np.isnan(b))).all())


def first_difference(got, want):
    """Words for a failing comparison."""
    if got.shape != want.shape or got.dtype != want.dtype:
        return f"got {got.dtype}{got.shape}, want {want.dtype}{want.shape}"
    both_nan = (got != got) & (want != want)
    at = np.argwhere((got != want) & ~both_nan)
    if not len(at):
        return "equal values, other bits (signed zeros?)"
    first = tuple(int(i) for i in at[0])
    return f"{len(at)} of {got.size} voxels differ, first at {first}: got {got[first]!r}, want {want[first]!r}"


# Bodies


def npy_bytes(a, version=(1, 0)):
    out = io.BytesIO()
    np.lib.format.write_array(out, a, version=version, allow_pickle=False)
    return out.getvalue()


def npy_header(text, version=1):
    """The bytes in front of the data for a header of exactly these words."""
    text = text.encode("utf-8" if version == 3 else "latin-1")
    size = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + size + text


def raw_bytes(a, order):
    return np.asarray(a).astype(a.dtype.newbyteorder("<"), copy=False).tobytes(order=order)


def compress(body, coding, random=None):
    """`body` in a content coding; "members" is gzip in several members."""
    if coding in ("gzip", "x-gzip"):
        return gzip.compress(body, 1, mtime=0)
    if coding == "deflate":
        return zlib.compress(body, 1)
    if coding == "members":
        cuts = sorted(random.randrange(len(body) + 1) for _ in range(3)) if random else [len(body) // 2]
        parts = [body[i:j] for i, j in zip([0, *cuts], [*cuts, len(body)])]
        return b"".join(gzip.compress(part, random.choice((0, 1, 9)) if random else 1, mtime=0) for part in parts)
    assert coding == "identity"
    return body


def request(a, *, order="F", body="raw", coding="identity", framing="length", random=None, fields=(), **parameters):
    """The bytes of a POST of `a`; `parameters` become the query."""
    fields = list(fields)
    if body == "raw":
        parameters = dict(shape=a.shape, dtype=a.dtype.name, order=order, **parameters)
        if random is None or random.random() < 0.5:
            fields.append(("Content-Type", "application/octet-stream"))
        content = raw_bytes(a, order)
    else:
        content = npy_bytes(np.asarray(a, order=order), (2, 0) if body == "npy2" else (1, 0))
        fields.append(("Content-Type", "application/x-npy"))
    if coding != "identity":
        fields.append(("Content-Encoding", "gzip" if coding == "members" else coding))
        content = compress(content, coding, random)
    if framing == "chunked":
        fields.append(("Transfer-Encoding", "chunked"))
        top = random.choice((1 if len(content) < 3000 else 500, 4096, 1 << 20)) if random else 65536
        sizes = (random.randint(1, top) if random else top for _ in range(len(content) + 1))
        content = chunked(content, sizes)
    else:
        fields.append(("Content-Length", len(content)))
    return head("POST", target(**parameters), fields) + content


# Answers


def announced(reply):
    """What the head says of the levels: (dtype, order, [(mip, shape)])."""
    levels = []
    for item in reply["Pyramid-Levels"].split(", "):
        assert re.fullmatch(r"\(\d+( \d+){1,5}\)", item), reply["Pyramid-Levels"]
        mip, *shape = map(int, item[1:-1].split(" "))
        levels.append((mip, tuple(shape)))
    assert reply["Pyramid-Order"] in ("F", "C")
    return np.dtype(reply["Pyramid-Dtype"]), reply["Pyramid-Order"], levels


def levels_of(reply, form):
    """{mip: array} of an answer in a format, everything about it checked."""
    assert reply.status == 200, (reply.status, reply.body[:1000])
    dtype, order, levels = announced(reply)
    media = reply["Content-Type"].split(";")[0].strip()
    assert media == ACCEPT[form], reply["Content-Type"]
    if reply.get("Content-Encoding", "identity") == "identity":
        assert reply.framing == "length", "an answer without a coding has its length"
    content = reply.content
    arrays = {"npz": _npz, "npy": _npy, "multipart": _multipart, "raw": _raw}[form](reply, content, dtype, order, levels)
    assert [(mip, a.shape) for mip, a in arrays] == levels, ([a.shape for _, a in arrays], levels)
    for mip, a in arrays:
        assert a.dtype.newbyteorder("=") == dtype, (a.dtype, dtype)
        assert a.flags.f_contiguous if order == "F" else a.flags.c_contiguous, f"mip {mip} is not in order {order}"
    return {mip: a.astype(dtype, copy=False) for mip, a in arrays}


def _npz(reply, content, dtype, order, levels):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert all(entry.compress_type == zipfile.ZIP_STORED for entry in archive.infolist()), "entries are stored"
        assert archive.namelist() == [f"mip{mip}.npy" for mip, _ in levels], archive.namelist()
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        return [(mip, file[f"mip{mip}"]) for mip, _ in levels]


def _npy(reply, content, dtype, order, levels):
    stream = io.BytesIO(content)
    arrays = [(mip, np.load(stream, allow_pickle=False)) for mip, _ in levels]
    assert stream.read() == b"", "bytes behind the last array"
    return arrays


def parse_multipart(content_type, content):
    """RFC 2046, strictly: [(fields, body)]."""
    match = re.search(r'boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))', content_type)
    assert match, content_type
    mark = b"--" + (match[1] or match[2]).encode()
    assert content.startswith(mark + b"\r\n"), content[:100]
    parts, at = [], len(mark) + 2
    while True:
        end = content.index(b"\r\n\r\n", at)
        fields = dict(line.split(": ", 1) for line in content[at:end].decode().split("\r\n"))
        fields = {name.lower(): value for name, value in fields.items()}
        begin = end + 4
        at = begin + int(fields["content-length"])
        parts.append((fields, content[begin:at]))
        tail = b"\r\n" + mark
        assert content[at:at + len(tail)] == tail, "no boundary where the part's length ends"
        at += len(tail)
        if content[at:at + 2] == b"--":
            assert content[at + 2:] in (b"", b"\r\n"), "bytes behind the last boundary"
            return parts
        assert content[at:at + 2] == b"\r\n"
        at += 2


def _multipart(reply, content, dtype, order, levels):
    arrays = []
    parts = parse_multipart(reply["Content-Type"], content)
    assert len(parts) == len(levels)
    for (mip, _), (fields, body) in zip(levels, parts):
        assert fields["content-type"] == "application/x-npy", fields
        assert fields["content-disposition"] == f'attachment; filename="mip{mip}.npy"', fields
        stream = io.BytesIO(body)
        arrays.append((mip, np.load(stream, allow_pickle=False)))
        assert stream.read() == b""
    return arrays


def _raw(reply, content, dtype, order, levels):
    arrays, at = [], 0
    for mip, shape in levels:
        size = prod(shape) * dtype.itemsize
        flat = np.frombuffer(content[at:at + size], dtype.newbyteorder("<"))
        arrays.append((mip, flat.reshape(shape, order=order)))
        at += size
    assert at == len(content), f"{len(content)} bytes came, the levels are {at}"
    return arrays
