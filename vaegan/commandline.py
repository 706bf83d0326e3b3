"""Command lines from dataclasses (tyro), with every usage error on one line."""

import contextlib
import io
import sys
from collections.abc import Sequence
from typing import TypeVar

import tyro

from vaegan.errors import UsageError, nearest

T = TypeVar("T")


def parse(cls: type[T], args: Sequence[str] | None = None, *, default: T | None = None, prog: str | None = None) -> T:
    """Return `cls` filled from `args` (default: sys.argv), flags not given coming from `default`.

    Raises UsageError, naming the flag and the nearest known one; `--help` prints and exits 0.
    """
    args = sys.argv[1:] if args is None else list(args)
    keywords = {} if default is None else {"default": default}
    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            value, unknown = tyro.cli(cls, args=args, prog=prog, return_unknown_args=True, **keywords)
    except SystemExit as stop:
        if not stop.code:
            raise
        raise UsageError(f"{one_line(complaint.getvalue())}; see --help") from None
    if unknown:
        known = [f"--{name.replace('_', '-')}" for name in cls.__dataclass_fields__]
        raise UsageError(f"unknown argument {unknown[0]!r}{nearest(unknown[0].split('=')[0], known)}; see --help")
    return value


def one_line(box: str) -> str:
    """Return the first paragraph of tyro's boxed message, joined to one line."""
    lines = [line.strip("│ ") for line in box.splitlines() if line.startswith("│")]
    rule = next((i for i, line in enumerate(lines) if line.startswith("─")), len(lines))
    return " ".join(lines[:rule]).strip() or "the command line could not be read"
