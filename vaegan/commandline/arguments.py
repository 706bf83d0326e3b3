"""Command lines from dataclasses (tyro), with every usage error on one line.

A door imports nothing heavy before its command line is understood; tyro, the lightest, waits for `parse`, so that a
signal finds every door ready for it.
"""

import contextlib
import dataclasses
import io
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from vaegan.commandline.commands import program
from vaegan.commandline.explanation import HELP, count_of, explain
from vaegan.errors import UsageError, impossible, nearest, one_line

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")
MOST = 2**31  # seeds and counts stay below


def parse(
    cls: type[T],
    args: Sequence[str] | None = None,
    *,
    default: T | None = None,
    prog: str | None = None,
    said: Mapping[str, str] | None = None,
) -> T:
    """Return `cls` filled from `args` (default: sys.argv), flags not given coming from `default`.

    A field without a default is given by its place, every other by its name. Raises UsageError, naming the flag and
    the nearest known one; `--help` prints and exits 0, with the texts of `said` in place of the fields' own.
    """
    import tyro

    args = by_own_name(cls, words(args))
    if HELP & set(args):
        explain(cls, default, prog=prog, said=said or {}, topics={})
    keywords: dict[str, Any] = {} if default is None else {"default": default}
    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            value, unknown = tyro.cli(
                cls,
                args=args,
                prog=program(prog),
                return_unknown_args=True,
                config=(tyro.conf.PositionalRequiredArgs, tyro.conf.PositionalMetavarFromFieldName),
                **keywords,
            )
    except SystemExit as stop:
        if not stop.code:
            raise
        raise UsageError(f"{first_paragraph(complaint.getvalue())}; see --help") from None
    if unknown:
        known = [flag(field.name) for field in dataclasses.fields(cls)]
        raise UsageError(f"unknown argument {unknown[0]!r}{nearest(unknown[0].split('=')[0], known)}; see --help")
    return value


def by_own_name(cls: type, args: list[str]) -> list[str]:
    """Return a command line with `--n` in the words of a command that calls it otherwise."""
    count = count_of(cls)
    return [re.sub("^--n(?==|$)", flag(count), word) for word in args] if count else args


def words(args: Sequence[str] | None) -> list[str]:
    """Return the words of a command line, those of this program for None."""
    return sys.argv[1:] if args is None else list(args)


def first_paragraph(box: str) -> str:
    """Return the first paragraph of tyro's message, joined to one line: it stands between two rules, in a box where
    the terminal can draw one."""
    lines = [line.strip("│ ") for line in box.splitlines()]
    rules = [i for i, line in enumerate(lines) if line[:1] in ("╭", "╰") or len(line) > 3 and set(line) <= {"─", "-"}]
    text = " ".join(lines[rules[0] + 1 : rules[1]]).strip() if len(rules) > 1 else ""
    return text or "the command line could not be read"


def flag(name: str) -> str:
    """Return the flag of a field."""
    return f"--{name.replace('_', '-')}"


def as_words(flags: Mapping[str, Any]) -> list[str]:
    """Return settings by name as a command line; a list or tuple is several values of one flag."""
    words: list[str] = []
    for name, value in flags.items():
        if isinstance(value, bool):
            words.append(flag(name) if value else f"--no-{flag(name)[2:]}")
        else:
            words += [flag(name), *map(str, value if isinstance(value, (list, tuple)) else [value])]
    return words


def at_least(asked: object, **smallest: float) -> None:
    """Raise UsageError for the first named field of `asked` below its smallest value, NaN or huge; None passes."""
    for name, least in smallest.items():
        value = getattr(asked, name)
        require(value is None or value >= least, name, value, f"use {least} or more")
        require(value is None or value < MOST, name, value, f"use {least} or more, below 2^31")


def need_runs(runs: Sequence[Path], prog: str) -> None:
    """Raise UsageError where a command that takes run directories was given none."""
    if not runs:
        raise UsageError(f"no run given; use: {program(prog)} RUN [RUN ...]")


def require(holds: bool, name: str, value: object, remedy: str) -> None:
    """Raise UsageError for a flag whose value cannot be meant, with the remedy, unless the condition holds."""
    if not holds:
        raise impossible(f"{flag(name)} {one_line(str(value))}", remedy)
