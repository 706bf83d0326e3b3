"""What one sees of a running command: a line of progress, a log file, and how long things take."""

import shutil
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

QUIET = 60.0  # s between two lines of progress where lines cannot be rewritten


class Screen:
    """The lines of progress that a terminal shows at once, rewritten in place below those that have ended."""

    def __init__(self) -> None:
        self.live = sys.stdout.isatty()
        self.texts: dict[object, str] = {}
        self.drawn = 0

    def show(self, line: object, text: str) -> None:
        self.texts[line] = text
        self._draw()

    def end(self, line: object, text: str) -> None:
        self.texts.pop(line, None)
        self._draw(f"{text}\n")

    def _draw(self, ended: str = "") -> None:
        width = shutil.get_terminal_size().columns - 1
        up = f"\x1b[{self.drawn - 1}A" if self.drawn > 1 else ""
        print(f"\r{up}\x1b[J{ended}" + "\n".join(text[:width] for text in self.texts.values()), end="", flush=True)
        self.drawn = len(self.texts)


class Line:
    """One line of progress: rewritten in place on a terminal, elsewhere printed at its start, its end and seldom
    between."""

    def __init__(self, title: str, screen: Screen | None = None):
        self.title, self.screen, self.printed = title, screen or Screen(), time.monotonic()

    def start(self, text: str) -> None:
        self.screen.show(self, self._said(text)) if self.screen.live else self._print(text)

    def update(self, text: str) -> None:
        if self.screen.live:
            self.screen.show(self, self._said(text))
        elif time.monotonic() - self.printed >= QUIET:
            self._print(text)

    def end(self, text: str) -> None:
        self.screen.end(self, self._said(text)) if self.screen.live else self._print(text)

    def _said(self, text: str) -> str:
        return f"{self.title}: {text}"

    def _print(self, text: str) -> None:
        self.printed = time.monotonic()
        print(self._said(text), flush=True)


class Log:
    """Where a child's output goes: `target` once the child has made its folder, until then a hidden file in `out`."""

    def __init__(self, target: Path, out: Path):
        out.mkdir(parents=True, exist_ok=True)
        self.target = target
        self.path = target if target.parent.is_dir() else out / f".{target.parent.name}-{target.name}"
        self.begin = self.path.stat().st_size if self.path.exists() else 0

    def settle(self) -> None:
        """Move the file to its place where that exists by now; the child goes on writing to it."""
        if self.path != self.target and self.target.parent.is_dir():
            with suppress(OSError):  # Windows moves no open file: the next call will
                self.path.replace(self.target)
                self.path = self.target

    def close(self) -> None:
        """Remove the file of a child that never made its folder."""
        if self.path != self.target:
            self.path.unlink(missing_ok=True)

    def lines(self) -> list[str]:
        """What this child has written, a line each state of a progress bar."""
        with open(self.path, "rb") as file:
            file.seek(self.begin)
            text = file.read().decode(errors="replace")
        return [line.strip() for line in text.replace("\r", "\n").split("\n") if line.strip()]

    def warning(self) -> str:
        """The last warning, or nothing."""
        return next((line for line in reversed(self.lines()) if line.startswith("warning: ")), "")

    def reason(self, code: int) -> str:
        """Why a child ended with an exit code that is not 0, in one line."""
        if code < 0:
            return f"killed by {signal.Signals(-code).name}"
        lines = self.lines()
        said = next((line for line in reversed(lines) if line.startswith("error: ")), lines[-1] if lines else "")
        return said.removeprefix("error: ") or f"exit code {code}"


def duration(seconds: float) -> str:
    """Seconds for people: "24 s", "4 min 52 s", "1 h 3 min"."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
