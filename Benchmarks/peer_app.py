# SPDX-License-Identifier: Apache-2.0
"""What one would write instead: a minimal ASGI application that calls tinybrain, for uvicorn."""
import io
from urllib.parse import parse_qs

import numpy as np
import tinybrain


async def app(scope, receive, send):
    assert scope["type"] == "http"
    content, more = bytearray(), True  # not bytes: tinybrain wants arrays that it could write to
    while more:
        message = await receive()
        content += message.get("body", b"")
        more = message.get("more_body", False)
    query = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
    shape = tuple(map(int, query["shape"].split(",")))
    a = np.frombuffer(content, query["dtype"]).reshape(shape, order="F")
    factor = tuple(map(int, query.get("factor", "2,2,1").split(",")))
    mips = tinybrain.downsample_with_averaging(a, factor, num_mips=int(query["mips"]))
    out = io.BytesIO()
    np.savez(out, **{f"mip{mip}": b for mip, b in enumerate(mips, 1)})
    body = out.getvalue()
    await send({"type": "http.response.start", "status": 200, "headers": [
        (b"content-type", b"application/zip"), (b"content-length", str(len(body)).encode())]})
    await send({"type": "http.response.body", "body": body})
