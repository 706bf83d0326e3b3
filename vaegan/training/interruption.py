"""Signals that end a run, heeded between two updates."""

import os
import signal


class Stop:
    """Remember SIGINT or SIGTERM until the step is done; a second one ends the program at once."""

    signal: int | None = None

    def __enter__(self) -> "Stop":
        self.before = {s: signal.signal(s, self.catch) for s in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for s, handler in self.before.items():
            signal.signal(s, handler)

    def catch(self, number: int, _: object) -> None:
        if self.signal is not None:
            os._exit(128 + number)
        self.signal = number
