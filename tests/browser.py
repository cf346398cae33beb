"""A real browser, driven over Chromium's own protocol through a pair of pipes."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
from contextlib import contextmanager
from itertools import count

CHROMIUM = next(
    (
        found
        for name in ("chromium", "chromium-browser", "google-chrome")
        if (found := shutil.which(name))
    ),
    None,
)
# Bash puts the pipes where the browser looks for them; its own output is of no interest.
_START = 'exec "$@" 3<&"$COMMANDS" 4>&"$ANSWERS" >/dev/null 2>&1'
_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--hide-scrollbars",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)
_SECONDS = 60


class Browser:
    """One browser with one page in it."""

    def __init__(self, commands, answers):
        self._commands, self._answers = commands, answers
        self._numbers = count(1)
        self._rest = b""
        self.requested = []
        self.complaints = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = None
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = session["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method, **parameters):
        """Give a command of the protocol and wait for its answer."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        if getattr(self, "_session", None):
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        return self._until(lambda answer: answer.get("id") == number)["result"]

    def _until(self, wanted):
        while True:
            while b"\0" not in self._rest:
                ready, _, _ = select.select([self._answers], [], [], _SECONDS)
                assert ready, "the browser does not answer"
                self._rest += os.read(self._answers, 1 << 20)
            text, _, self._rest = self._rest.partition(b"\0")
            answer = json.loads(text)
            assert "error" not in answer, answer
            self._note(answer)
            if wanted(answer):
                return answer

    def _note(self, answer):
        method, told = answer.get("method"), answer.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requested.append(told["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(told["exceptionDetails"]["text"])
        elif method == "Log.entryAdded" and told["entry"]["level"] == "error":
            self.complaints.append(told["entry"]["text"])

    def open(self, path, *, width=1200, height=900, theme="light", medium="screen"):
        """Open a file as somebody with such a screen would."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        feature = {"name": "prefers-color-scheme", "value": theme}
        self.call("Emulation.setEmulatedMedia", media=medium, features=[feature])
        self.call("Page.navigate", url=path.as_uri())
        self._until(lambda answer: answer.get("method") == "Page.loadEventFired")

    def run(self, script):
        """Evaluate JavaScript, and give its value."""
        told = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def press(self, key, *, shift=False):
        """Press a key and let it go."""
        codes = {"Tab": 9, "Enter": 13, "ArrowDown": 40}
        event = {"key": key, "code": key, "windowsVirtualKeyCode": codes[key]}
        if shift:
            event["modifiers"] = 8
        text = {"text": "\r"} if key == "Enter" else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", **event, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", **event)

    def write(self, text):
        """Type a text where the focus is."""
        self.call("Input.insertText", text=text)

    def picture(self):
        """Give a PNG of the page from top to bottom."""
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        return base64.b64decode(shot["data"])

    def printed(self):
        """Give the page as a PDF on A4 with an outline of its headings."""
        told = self.call(
            "Page.printToPDF",
            paperWidth=8.27,
            paperHeight=11.69,
            preferCSSPageSize=False,
            generateTaggedPDF=True,
            generateDocumentOutline=True,
        )
        return base64.b64decode(told["data"])


@contextmanager
def browsing(folder):
    """Start a browser whose profile is in a folder, and end it."""
    (heard, commands), (answers, said) = os.pipe(), os.pipe()
    environment = {**os.environ, "COMMANDS": str(heard), "ANSWERS": str(said)}
    options = (*_OPTIONS, f"--user-data-dir={folder}")
    process = subprocess.Popen(
        ["bash", "-c", _START, "bash", CHROMIUM, *options],
        pass_fds=(heard, said),
        env=environment,
    )
    os.close(heard)
    os.close(said)
    try:
        yield Browser(commands, answers)
    finally:
        os.close(commands)
        os.close(answers)
        process.terminate()
        process.wait(_SECONDS)
