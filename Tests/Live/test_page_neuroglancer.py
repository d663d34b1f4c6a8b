# SPDX-License-Identifier: Apache-2.0
"""The page's link into Neuroglancer, followed into the client that its Python package carries: the uploaded volume shows."""
import functools
import http.server
import importlib.util
import re
import threading
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import sync_playwright

from support.browser import ARGUMENTS, CHROMIUM, Tab
from support.process import Server, await_condition
from support.volumes import upload

# The package carries its client built; nothing of it is imported.
PACKAGE = importlib.util.find_spec("neuroglancer")
CLIENT = Path(PACKAGE.origin).parent / "static/client" if PACKAGE else None
# That client wants a token in its path, and then takes its state from the fragment.
PREFIX = "/v/none"
WEBGL = ["--ignore-gpu-blocklist", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]


class Handler(http.server.SimpleHTTPRequestHandler):
    """Files of the client; whatever it asks of a Python session is answered with nothing, which ends its asking."""

    def do_GET(self):
        if self.path.startswith(PREFIX + "/") and not self.path.startswith(PREFIX + "/events"):
            self.path = self.path.removeprefix(PREFIX)
            return super().do_GET()
        self.nothing()

    def nothing(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(204)
        self.end_headers()

    do_POST = do_PUT = nothing

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def client():
    if CLIENT is None or not (CLIENT / "index.html").exists():
        pytest.skip("the package neuroglancer is not installed")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(CLIENT)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}{PREFIX}"
    server.shutdown()
    server.server_close()


def test_the_link_shows_the_uploaded_volume(client, tmp_path):
    """Every chunk that Neuroglancer asks for is there, of more than one mip, and it has nothing to complain of."""
    x, y, z = np.ogrid[:150, :130, :70]
    array = ((7 * x + 13 * y + 29 * z) % 251).astype(np.uint8)
    with Server("--data", str(tmp_path), config=f"viewer: {client}\n") as server, sync_playwright() as playwright:
        assert upload(server, "mine", array, factor="2,2,2", resolution="8,8,8").status == 201
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS + WEBGL)
        tab = Tab(browser, server.url)
        page = tab.open_volume("mine")
        answers, complaints = [], []
        tab.context.on("response", lambda answer: answers.append((answer.status, answer.url)))
        tab.context.on("requestfailed", lambda request: complaints.append(f"{request.url}: {request.failure}"))
        with tab.context.expect_page() as opening:
            page.get_by_role("link", name="Open in Neuroglancer").click()
        viewer = opening.value
        viewer.on("pageerror", lambda error: complaints.append(str(error)))
        viewer.on("console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None)

        def chunks():
            viewer.wait_for_timeout(50)
            return [(status, url) for status, url in answers if re.search(r"/precomputed/mine/[^/]+/\d", url)]

        await_condition(
            lambda: {"8_8_8", "16_16_16"} <= {url.split("/")[-2] for _, url in chunks()}, "Neuroglancer asks for no chunks")
        await_condition(lambda: viewer.evaluate("window.viewer && window.viewer.isReady()"), "Neuroglancer is never ready")
        assert all(status == 200 for status, _ in chunks()), chunks()
        # A panel that has drawn the array holds many greys.
        picture = viewer.screenshot()
        assert len(picture) > 20_000, "the panels are empty"
        # The browser gives up requests of its own accord when the view settles.
        left = [text for text in complaints if "ERR_ABORTED" not in text and "swiftshader" not in text.lower() and "GPU stall" not in text]
        assert not left, left
        tab.innocent()
        tab.close()
        browser.close()
