"""Bars of progress: redrawn on a terminal, a line now and then in a log."""

import sys
from collections.abc import Iterable
from typing import Any

from tqdm import tqdm
from tqdm.utils import ObjectWrapper

LOG_EVERY = 60.0  # seconds between two lines in a log; what takes less says nothing there


class Lines(ObjectWrapper):
    """A stream to which each state of a bar is a line of its own."""

    def write(self, text: str) -> None:
        """Write what a bar draws, without what moves a terminal's cursor."""
        if line := text.strip():
            self._wrapped.write(f"{line}\n")


class Bar(tqdm):
    """tqdm's bar on stderr, which fills no log: not redrawn where stderr is no terminal."""

    def __init__(self, iterable: Iterable | None = None, desc: str | None = None, **settings: Any):
        shown: dict[str, Any] = {"dynamic_ncols": True}
        if not sys.stderr.isatty():
            shown = dict.fromkeys(("mininterval", "maxinterval", "delay"), LOG_EVERY) | {"file": Lines(sys.stderr)}
        super().__init__(iterable, desc, **settings | shown)
