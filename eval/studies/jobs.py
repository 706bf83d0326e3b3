"""Commands in processes of their own: their output in files, a line of progress each, our signals handed on."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from eval.studies.progress import Line, Log

ROOT = Path(__file__).resolve().parents[2]
PR_SET_PDEATHSIG = 1  # of <sys/prctl.h>
PAUSE = 0.05  # s between two looks at whether a child has ended
POLL = 1.0  # s between two questions for its progress
SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Interrupted(Exception):
    """The user stopped us, and every child has ended; `number` is the signal."""

    def __init__(self, number: int):
        super().__init__(number)
        self.number = number


@dataclass(eq=False)
class Child:
    """A command in a process of its own; `code` is its exit code once it has ended."""

    process: subprocess.Popen
    log: Log
    line: Line
    progress: Callable[[], str]

    @property
    def code(self) -> int | None:
        return self.process.poll()


class Children:
    """Commands that run side by side. While there are any, the signals that would end us are handed to all of them;
    none outlives this block."""

    received: int | None = None

    def __enter__(self) -> "Children":
        self.running: list[Child] = []
        heeded = [s for s in SIGNALS if signal.getsignal(s) is not signal.SIG_IGN]  # nohup, or in the background
        self.before = {s: signal.signal(s, self.catch) for s in heeded}
        return self

    def __exit__(self, *_: object) -> None:
        for child in self.running:  # an error of ours: else each has ended
            child.process.terminate()
        for child in self.running:
            child.process.wait()
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def start(
        self, command: Sequence[str], log: Log, line: Line, progress: Callable[[], str], threads: int | None = None
    ) -> Child:
        """Start a command, with `threads` of the processor where that is said; `progress` is asked what to show."""
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        share = {"OMP_NUM_THREADS": str(threads)} if threads else {}
        environment = {**os.environ, **share, "PYTHONPATH": os.pathsep.join(paths)}
        with open(log.path, "ab") as output:
            # A session of its own: else a terminal's Ctrl-C reaches the child twice, and a second one ends it unsaved.
            process = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True, preexec_fn=dies_with(os.getpid()),
            )  # fmt: skip
        child = Child(process, log, line, progress)
        self.running.append(child)
        if self.received is not None:
            self.send(child)
        return child

    def wait(self) -> Child:
        """Wait until a command has ended, and return it. Raises Interrupted after a signal was handed on and all have
        ended, which may have saved their work."""
        asked = time.monotonic()
        while not (ended := [child for child in self.running if child.code is not None]):
            time.sleep(PAUSE)
            if time.monotonic() - asked >= POLL:
                asked = time.monotonic()
                for child in self.running:
                    child.log.settle()
                    child.line.update(child.progress())
        if self.received is not None:
            self.finish()
            raise Interrupted(self.received)
        ended[0].log.settle()
        self.running.remove(ended[0])
        return ended[0]

    def finish(self) -> None:
        """Wait for every command's end."""
        for child in self.running:
            child.process.wait()
            child.log.settle()
        self.running.clear()

    def catch(self, number: int, _: object) -> None:
        self.received = number
        for child in self.running:
            self.send(child)

    def send(self, child: Child) -> None:
        """SIGINT as it is, anything else as SIGTERM: those two a training answers by saving."""
        child.process.send_signal(signal.SIGINT if self.received == signal.SIGINT else signal.SIGTERM)


def run(command: Sequence[str], log: Log, line: Line, progress: Callable[[], str]) -> int:
    """Run a command to its end and return its exit code; errors as `Children.wait`."""
    with Children() as children:
        child = children.start(command, log, line, progress)
        children.wait()
    return child.process.returncode


def threads_each(at_once: int) -> int | None:
    """How many threads of the processor each of several commands gets; None, as many as it takes, for one alone."""
    if at_once == 1:
        return None
    asked = os.environ.get("OMP_NUM_THREADS", "")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, (int(asked) if asked.isdecimal() else cores) // at_once)


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
