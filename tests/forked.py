"""Commands in forked children of a process that has imported everything: real processes that start in milliseconds."""

import importlib
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

import torch

from vaegan import commands
from vaegan.__main__ import main

POLL = 0.005  # s between two looks at a child


def prepare(*names: str) -> None:
    """Import commands by name, and whatever they import when they run; compute on one thread, as every child will:
    the pool of threads does not survive a fork."""
    torch.set_num_threads(1)
    late = ("vaegan.reporter", "eval.evidence.collection", "eval.report.assembly", "eval.report.rendering")
    for module in (*(commands.COMMANDS[name].module for name in names), *late):
        importlib.import_module(module)


def start(words: Sequence[str], out: Path, err: Path, environment: Mapping[str, str] | None = None) -> int:
    """Start a command of `vaegan` whose output is added to two files; its process."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        os.environ.update(environment or {})
        _become(words, out, err)
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


def _become(words: Sequence[str], *files: Path) -> NoReturn:
    code = 70
    try:
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for number, file in enumerate(files, 1):
            os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
        sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w", buffering=1)
        main(list(words))
        code = 0
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 71
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush(), sys.stderr.flush()
        os._exit(code)
