"""Progress of a run on standard error."""

from __future__ import annotations

import time

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from flows.report import clock

_LOG_EVERY_S = 30.0


class Bar:
    """A bar with calls, audio hours, speed and time left; a line now and then where there is no terminal."""

    def __init__(self, *, quiet: bool = False) -> None:
        console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.fields[calls]}"),
            BarColumn(),
            TextColumn("{task.fields[audio]}"),
            TimeRemainingColumn(),
            console=console,
            disable=quiet or not console.is_terminal,
        )
        self._console = console
        self._quiet = quiet
        self._task = self._bar.add_task("calls", total=None, calls="", audio="")
        self._recordings = self._recordings_done = 0
        self._audio_s = self._audio_done_s = 0.0
        self._began_s = self._logged_s = time.monotonic()

    def __enter__(self) -> Bar:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def expect(self, recordings: int, audio_s: float) -> None:
        """So many recordings, and seconds of recorded time, there are to do."""
        self._recordings, self._audio_s = recordings, audio_s
        self._began_s = time.monotonic()
        self._show()

    def audio_done(self, audio_s: float) -> None:
        """So many more seconds of recorded time are transcribed."""
        self._audio_done_s += audio_s
        self._show()

    def recording_done(self) -> None:
        """One more recording is published or quarantined."""
        self._recordings_done += 1
        self._show()

    def _show(self) -> None:
        elapsed_s = max(time.monotonic() - self._began_s, 1e-3)
        calls = f"{self._recordings_done}/{self._recordings} calls"
        rate = self._audio_done_s / elapsed_s
        audio = f"{self._audio_done_s / 3600:.2f}/{self._audio_s / 3600:.2f} audio hours  {rate:.1f}x realtime"
        self._bar.update(self._task, total=self._audio_s, completed=self._audio_done_s, calls=calls, audio=audio)
        if self._bar.disable and not self._quiet and time.monotonic() - self._logged_s > _LOG_EVERY_S:
            self._logged_s = time.monotonic()
            left_s = max(self._audio_s - self._audio_done_s, 0.0) / rate if rate else 0.0
            self._console.print(f"{calls}  {audio}  {clock(left_s)} left", highlight=False)
