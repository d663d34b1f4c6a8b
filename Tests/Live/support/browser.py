# SPDX-License-Identifier: Apache-2.0
"""A page in Chromium, with everything noted that a good page never does."""
import base64
import os
import shutil

import numpy as np

from .process import await_condition

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update", "--no-first-run",
    # Whatever the page might ask of another host comes to nothing, here as everywhere.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


class Tab:
    """One page at a site, in a context of its own: no storage, cache or token of another test."""

    def __init__(self, browser, site, *, scheme="light", width=1280, height=900, **options):
        self.site = site
        self.context = browser.new_context(
            color_scheme=scheme, viewport={"width": width, "height": height}, reduced_motion="reduce", **options)
        self.page = self.context.new_page()
        self.page.set_default_timeout(30_000)
        self.complaints = []
        self.requests = []
        self.forgiven = ()
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("requestfailed", self._failed)
        self.page.on("response", self._response)

    def _console(self, message):
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text}")

    def _failed(self, request):
        # The page gives up tiles that nobody looks at any more: that is no failure.
        if request.failure != "net::ERR_ABORTED":
            self.complaints.append(f"failed: {request.url}: {request.failure}")

    def _response(self, response):
        if response.status >= 400:
            self.complaints.append(f"{response.status}: {response.url}")

    def open(self, fragment=""):
        self.page.goto(self.site + "/" + fragment)
        return self.page

    def open_volume(self, name, query=""):
        """The viewer of a volume, once all that it shows has come."""
        self.open(f"#/{name}" + (f"?{query}" if query else ""))
        self.settled()
        return self.page

    def settled(self, condition=""):
        """Waits until the viewer shows what it should; `condition` is a further CSS selector on it."""
        self.page.wait_for_selector(f".viewer[aria-busy=false]{condition}")

    def until(self, expression, arg=None):
        """
        Waits until an expression, or a function of `arg`, is true in the page.

        Asked from here: Playwright's own way compiles the text within the page, which the page's policy forbids.
        """
        await_condition(lambda: self.page.evaluate(expression, arg), expression)

    def pixels(self, pane):
        """The pixels of a pane, rows of [red, green, blue]."""
        width, height, values = self.page.evaluate(
            """name => {
              const canvas = document.querySelector(`.pane-${name} canvas`);
              // By way of a copy: the browser warns of a canvas that is read often.
              const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d");
              copy.drawImage(canvas, 0, 0);
              const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
              let text = "";
              for (let i = 0; i < data.length; i += 8192) text += String.fromCharCode(...data.subarray(i, i + 8192));
              return [canvas.width, canvas.height, btoa(text)];
            }""", pane)
        return np.frombuffer(base64.b64decode(values), np.uint8).reshape(height, width, 4)[..., :3]

    def close(self):
        self.context.close()

    def innocent(self):
        """Fails if anything went wrong, or any other host was asked."""
        complaints = [text for text in self.complaints if not any(word in text for word in self.forgiven)]
        assert not complaints, complaints
        foreign = [url for url in self.requests if not url.startswith((self.site + "/", "blob:" + self.site + "/"))]
        assert not foreign, foreign
