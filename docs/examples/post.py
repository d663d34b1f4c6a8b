#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sends an array as it is acquired, slice by slice, and prints the levels that come back. Needs NumPy.

python3 post.py [http://127.0.0.1:8080]
"""
import http.client
import sys
from urllib.parse import urlencode, urlsplit

import numpy as np

X, Y, Z, MIPS = 64, 48, 20, 3


def acquire():
    """The slices of a stack, as a microscope would hand them over: shape (X, Y), x fastest in memory."""
    x, y = np.meshgrid(np.arange(X), np.arange(Y), indexing="ij")
    for z in range(Z):
        yield ((x + 2 * y + 3 * z) % 256).astype(np.uint8)


def main():
    base = urlsplit(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080")
    query = urlencode({"method": "average", "factor": "2,2,2", "mips": MIPS, "format": "raw",
                       "dtype": "uint8", "shape": f"{X},{Y},{Z}"})
    connection = http.client.HTTPConnection(base.hostname, base.port or 80, timeout=60)
    # An iterable is sent in chunks: nobody holds the whole stack, neither here nor there.
    connection.request("POST", f"{base.path}/v1/pyramid?{query}", body=(s.tobytes(order="F") for s in acquire()),
                       headers={"Content-Type": "application/octet-stream"}, encode_chunked=True)
    answer = connection.getresponse()
    content = answer.read()
    if answer.status != 200:
        sys.exit(f"{answer.status}: {content.decode(errors='replace')}")
    # "(1 32 24 10), (2 16 12 5)": each level's mip and its shape.
    at = 0
    for item in answer.headers["Pyramid-Levels"].split(", "):
        mip, *shape = map(int, item.strip("()").split())
        count = int(np.prod(shape))
        level = np.frombuffer(content, np.uint8, count, at).reshape(shape, order="F")
        at += count
        print(f"mip {mip}: {'x'.join(map(str, shape))} sum {int(level.sum(dtype=np.uint64))}")


if __name__ == "__main__":
    main()
