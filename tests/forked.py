"""Commands in forked children of a process that has imported everything: real processes that start in milliseconds."""

import contextlib
import gc
import importlib
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, NoReturn

import torch

from vaegan.__main__ import main
from vaegan.commandline import commands

POLL = 0.005  # s between two looks at a child


def prepare(*names: str) -> None:
    """Import commands by name, and whatever they import when they run; compute on one thread, as every child will:
    the pool of threads does not survive a fork."""
    torch.set_num_threads(1)
    late = ("vaegan.training.reporter", "eval.evidence.collection", "eval.report.assembly", "eval.report.rendering")
    for module in (*(commands.COMMANDS[name].module for name in names), *late):
        importlib.import_module(module)
    gc.freeze()  # a child's collector would touch, and so copy, all that is shared


def start(words: Sequence[str], out: Path, err: Path, environment: Mapping[str, str] | None = None) -> int:
    """Start a command of `vaegan` whose output is added to two files; its process."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        os.environ.update(environment or {})
        streams = [os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND) for file in (out, err)]
        _become(words, streams)
    return child


def wait(child: int, seconds: float) -> int | None:
    """Wait for a child to end: its exit code, negative for a signal, or None when it is still running."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(POLL)
    return None


class Process:
    """What eval.studies.jobs uses of subprocess.Popen, as a fork."""

    def __init__(
        self,
        command: Sequence[str],
        stdout: IO[bytes],
        stderr: IO[bytes],
        env: Mapping[str, str],
        preexec_fn: Callable[[], None] | None,
        **_: object,
    ):
        python, *words = command
        assert python == sys.executable, command
        words = [words[1].rpartition(".")[2], *words[2:]] if words[0] == "-m" else [Path(words[0]).stem, *words[1:]]
        sys.stdout.flush()
        self.returncode: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            if preexec_fn:
                preexec_fn()
            os.environ.update(env)
            _become(words, [stdout.fileno(), stderr.fileno()])

    def poll(self) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def wait(self) -> int:
        while (code := self.poll()) is None:
            time.sleep(POLL)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


def _become(words: Sequence[str], streams: Sequence[int]) -> NoReturn:
    """Be a command in a session of its own that writes to these descriptors, and end as it ends."""

    def command() -> None:
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for number, stream in enumerate(streams, 1):
            os.dup2(stream, number)
        # Not theirs to close: a fork of a fork would close them with the objects that it replaces.
        sys.stdin, sys.stdout = open(0, closefd=False), open(1, "w", closefd=False)
        sys.stderr = open(2, "w", buffering=1, closefd=False)
        main(words)

    end_with(command)


def end_with(work: Callable[[], object]) -> NoReturn:
    """Do a child's work and end as it ends: whatever comes, a child never returns into its parent's code."""
    code = 70
    try:
        work()
        code = 0
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 71
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush(), sys.stderr.flush()
        os._exit(code)
