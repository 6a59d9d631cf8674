"""A picture of Prefect's pages after a scheduled run: `python -m tests.benchmarks.prefect_pages docs/prefect.png`.

Starts `callwright up` over the sample calls with a schedule of a minute, waits for a run of it that ended, and looks at
its pages in a headless Chromium, which has to be installed (Debian's package chromium). Needs the extra dev for Pillow.
"""

from __future__ import annotations

import base64
import io
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from websockets.sync.client import ClientConnection, connect

from flows.prefect_server import free_port

ROOT = Path(__file__).parents[2]
WIDTH = 1_280
WITHIN_S = 900.0
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))

TEXT = "document.body ? document.body.innerText : ''"


def ask(url: str, body: dict[str, Any] | None = None) -> Any:
    """What a server answers, as JSON."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})  # noqa: S310
    with DIRECT.open(request, timeout=30) as answer:
        return json.load(answer)


@contextmanager
def service(folder: Path, port: int) -> Iterator[None]:
    """`callwright up` over the sample calls, with a schedule in the watcher's place."""
    line = [str(Path(sys.executable).with_name("callwright")), "up", str(ROOT / "sample_audio"), "--no-watcher"]
    line += ["--data-dir", str(folder / "var"), "--port", str(port)]
    line += ["--set", "schedules.ingest_watch=every 1 min", "--set", "ingest.stable_s=1"]
    process = subprocess.Popen(line)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def until(condition: Any, what: str) -> Any:
    """What the condition gives, once it gives something."""
    deadline_s = time.monotonic() + WITHIN_S
    while time.monotonic() < deadline_s:
        try:
            if found := condition():
                return found
        except OSError:
            pass
        time.sleep(0.5)
    raise TimeoutError(f"{what} did not come within {WITHIN_S:.0f} s")


class Browser:
    """A page of Chromium, spoken to by its own protocol."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket, self._ids = socket, itertools.count(1)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """What a method of the protocol answers."""
        number = next(self._ids)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._socket.recv(timeout=120))
            if answer.get("id") == number:
                return answer.get("result", {})

    def picture(self, url: str, shows: list[str], height: int) -> Image.Image:
        """A picture of a page, once it shows these texts: what would be below its height the page does not draw."""
        shape = {"width": WIDTH, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **shape)
        self.call("Page.navigate", url=url)
        until(lambda: all(text in self.text() for text in shows), f"{shows} on {url}")
        time.sleep(5.0)  # tables and charts move in
        return Image.open(io.BytesIO(base64.b64decode(self.call("Page.captureScreenshot")["data"])))

    def text(self) -> str:
        """What the page says."""
        found = self.call("Runtime.evaluate", expression=TEXT, returnByValue=True)
        return str(found.get("result", {}).get("value", ""))


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """A headless Chromium with one page."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or "chromium"
    flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-proxy-server", "--hide-scrollbars"]
    port = free_port()
    line = [program, *flags, f"--remote-debugging-port={port}"]
    line += [f"--user-data-dir={folder / 'chromium'}", "about:blank"]
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        pages = until(lambda: ask(f"http://127.0.0.1:{port}/json"), "Chromium")
        with connect(
            next(p for p in pages if p["type"] == "page")["webSocketDebuggerUrl"], max_size=None, proxy=None
        ) as ws:
            yield Browser(ws)
    finally:
        process.kill()
        process.wait()


def main(out: Path) -> None:
    """Draw three pages below each other: runs, a run's artifacts, and the deployments with their schedules."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as name, service(Path(name), port):
        folder = Path(name)
        ended = {"flow_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}}

        def batch() -> Any:
            runs = ask(f"{base}/api/flow_runs/filter", ended)
            return (
                [run for run in runs if " calls, " in run["name"]] if any(r["auto_scheduled"] for r in runs) else None
            )

        run = until(batch, "a scheduled run that ended")[0]
        asked = {"artifacts": {"flow_run_id": {"any_": [run["id"]]}}}
        found = {one["key"]: one["id"] for one in ask(f"{base}/api/artifacts/filter", asked)}
        with browser(folder) as page:
            pictures = [
                page.picture(f"{base}/runs", [run["name"], "ingest-watch"], 1_200),
                page.picture(f"{base}/artifacts/artifact/{found['calls']}", ["published", "confidence"], 780),
                page.picture(f"{base}/deployments", ["retention-sweep", "Every minute"], 620),
            ]
    sheet = Image.new("RGB", (WIDTH, sum(picture.height for picture in pictures)))
    for number, picture in enumerate(pictures):
        sheet.paste(picture, (0, sum(each.height for each in pictures[:number])))
    sheet.quantize(128).save(out, optimize=True)
    print(f"{out}: {out.stat().st_size // 1024} KB, of the run {run['name']}")


if __name__ == "__main__":
    os.environ.pop("PREFECT_API_URL", None)
    main(Path(sys.argv[1]))
