# SPDX-License-Identifier: Apache-2.0
"""A folder behind HTTP, as a volume's source: gzip, ranges, and failures on demand; counts what is asked for."""
import gzip
import hashlib
import re
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Source:
    """Serves `folder` on the loopback while it is entered."""

    def __init__(self, folder, *, gzipped=False):
        self.folder, self.gzipped = folder, gzipped
        self.asked = Counter()
        self.ranges = []
        # Paths that contain one of these words are answered with its status.
        self.failures = {}
        # Paths that contain this word are there for the first that asks, and for nobody after.
        self.once = None
        # Paths that contain this word wait until `open_gate`.
        self.held = None
        self.gate = threading.Event()
        self.lock = threading.Lock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def open_gate(self):
        self.gate.set()

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.gate.set()
        self.server.shutdown()
        self.server.server_close()

    def _handler(source):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                path = self.path.lstrip("/").split("?")[0]
                with source.lock:
                    source.asked[path] += 1
                    is_gone = source.once and source.once in path and source.asked[path] > 1
                    if "Range" in self.headers:
                        source.ranges.append(path)
                if source.held and source.held in path:
                    source.gate.wait(30)
                for word, status in source.failures.items():
                    if word in path:
                        return self.answer(status, b"out of order")
                file = source.folder / path
                if is_gone or not file.is_file():
                    return self.answer(404, b"not here")
                self.send(file.read_bytes())

            do_HEAD = do_GET

            def send(self, content):
                fields = {"ETag": f'"{hashlib.sha1(content).hexdigest()}"'}
                match = re.fullmatch(r"bytes=(\d+)-(\d*)|bytes=-(\d+)", self.headers.get("Range", ""))
                if match:
                    first = int(match[1]) if match[1] else max(0, len(content) - int(match[3]))
                    last = min(int(match[2]) if match[2] else len(content) - 1, len(content) - 1)
                    if first >= len(content):
                        return self.answer(416, b"", {"Content-Range": f"bytes */{len(content)}"})
                    fields["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
                    return self.answer(206, content[first:last + 1], fields)
                if source.gzipped and "gzip" in self.headers.get("Accept-Encoding", ""):
                    return self.answer(200, gzip.compress(content), fields | {"Content-Encoding": "gzip"})
                self.answer(200, content, fields)

            def answer(self, status, body, fields={}):
                self.send_response(status)
                for name, value in fields.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    try:
                        self.wfile.write(body)
                    except OSError:
                        pass

            def log_message(self, *_):
                pass

        return Handler
