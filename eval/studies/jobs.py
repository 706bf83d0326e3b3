"""A command in a process of its own: its output in a file, its progress on one line, our signals handed on."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from eval.studies.progress import Line, Log

ROOT = Path(__file__).resolve().parents[2]
PR_SET_PDEATHSIG = 1  # of <sys/prctl.h>
POLL = 1.0  # s between two looks at a child
SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Interrupted(Exception):
    """The user stopped us, and the child has ended; `number` is the signal."""

    def __init__(self, number: int):
        super().__init__(number)
        self.number = number


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

    def __exit__(self, *_: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def to(self, process: subprocess.Popen) -> None:
        self.process = process
        if self.received is not None:
            self.send(process)

    def catch(self, number: int, _: object) -> None:
        self.received = number
        if self.process:
            self.send(self.process)

    def send(self, process: subprocess.Popen) -> None:
        """SIGINT as it is, anything else as SIGTERM: those two a training answers by saving."""
        process.send_signal(signal.SIGINT if self.received == signal.SIGINT else signal.SIGTERM)
