"""A command in a process of its own: its output in a file, its progress on one line, our signals handed on."""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PR_SET_PDEATHSIG = 1  # of <sys/prctl.h>
POLL = 1.0  # s between two looks at a child
QUIET = 60.0  # s between two lines of progress where lines cannot be rewritten
SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Interrupted(Exception):
    """The user stopped us, and the child has ended; `number` is the signal."""

    def __init__(self, number: int):
        super().__init__(number)
        self.number = number


class Line:
    """One line of progress: rewritten in place on a terminal, elsewhere printed at its start, its end and seldom
    between."""

    def __init__(self, title: str):
        self.title, self.live, self.printed = title, sys.stdout.isatty(), time.monotonic()

    def start(self, text: str) -> None:
        self._rewrite(text) if self.live else self._print(text)

    def update(self, text: str) -> None:
        if self.live:
            self._rewrite(text)
        elif time.monotonic() - self.printed >= QUIET:
            self._print(text)

    def end(self, text: str) -> None:
        if self.live:
            print("\r\x1b[2K", end="")
        self._print(text)

    def _rewrite(self, text: str) -> None:
        line = f"{self.title}: {text}"[: shutil.get_terminal_size().columns - 1]
        print(f"\r\x1b[2K{line}", end="", flush=True)

    def _print(self, text: str) -> None:
        self.printed = time.monotonic()
        print(f"{self.title}: {text}", flush=True)


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


def run(command: Sequence[str], log: Log, line: Line, progress: Callable[[], str]) -> int:
    """Run a command to its end and return its exit code; `progress` is asked what to show. Raises Interrupted after
    handing on a signal and waiting for the child, which may have saved its work."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    with Relay() as relay, open(log.path, "ab") as output:
        # A session of its own: else a terminal's Ctrl-C reaches the child twice, and a second one ends it unsaved.
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
            preexec_fn=dies_with(os.getpid()),
        )  # fmt: skip
        relay.to(process)
        while True:
            try:
                code = process.wait(POLL)
                break
            except subprocess.TimeoutExpired:
                log.settle()
                line.update(progress())
    log.settle()
    if relay.received is not None:
        raise Interrupted(relay.received)
    return code


def dies_with(parent: int) -> Callable[[], None] | None:
    """Return what a child calls on Linux before it becomes a command, so that it does not outlive us: one that trained
    on unseen would stand in the way of the same study, started again. SIGKILL: a training may not answer at once, and
    its checkpoints are whole whenever it comes."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None).prctl

    def follow() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)

    return follow


class Relay:
    """While a child runs, hand it the signals that would end us."""

    received: int | None = None
    process: subprocess.Popen | None = None

    def __enter__(self) -> "Relay":
        heeded = [s for s in SIGNALS if signal.getsignal(s) is not signal.SIG_IGN]  # nohup, or in the background
        self.before = {s: signal.signal(s, self.catch) for s in heeded}
        return self

    def __exit__(self, *_) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def to(self, process: subprocess.Popen) -> None:
        self.process = process
        if self.received is not None:
            self.send(process)

    def catch(self, number: int, _) -> None:
        self.received = number
        if self.process:
            self.send(self.process)

    def send(self, process: subprocess.Popen) -> None:
        """SIGINT as it is, anything else as SIGTERM: those two a training answers by saving."""
        process.send_signal(signal.SIGINT if self.received == signal.SIGINT else signal.SIGTERM)


def duration(seconds: float) -> str:
    """Seconds for people: "24 s", "4 min 52 s", "1 h 3 min"."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
