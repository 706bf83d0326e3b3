"""What --help says of a dataclass of flags: grouped by topic, with the defaults that hold here, choices from tables."""

import ast
import dataclasses
import inspect
import textwrap
import typing
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NoReturn

from vaegan.commandline.commands import program

HELP = {"--help", "-h"}
COUNTS = ("samples", "images", "queries", "faces")  # how many, by what they are; `--n` in every command


def explain(
    cls: type, default: object = None, *, prog: str | None, said: Mapping[str, str], topics: Mapping[str, Sequence[str]]
) -> NoReturn:
    """Print the help of `cls` and exit 0. `default` holds the defaults shown, `said` texts that replace a field's own,
    `topics` the fields that stand together, by heading."""
    import tyro

    fields = {field.name: field for field in dataclasses.fields(cls)}
    hints, texts = typing.get_type_hints(cls, include_extras=True), documented(cls) | dict(said)
    if count := count_of(cls):
        texts[count] += " (--n is the same.)"
    entries: dict[str, tuple[str, Any, Any]] = {}
    for name, field in fields.items():
        hint: Any = Annotated[hints[name], tyro.conf.arg(help=texts.get(name, ""))]
        entries[name] = (name, hint, default_of(field, default))
    grouped = {name for names in topics.values() for name in names}
    top: list[Any] = [named(entry) for name, entry in entries.items() if name not in grouped]
    for heading, names in topics.items():
        group = dataclasses.make_dataclass(heading.title(), [entries[n] for n in names], frozen=True)
        group.__doc__ = ""
        top.append((heading, group, dataclasses.field(default_factory=group)))
    shown = dataclasses.make_dataclass(cls.__name__, sorted(top, key=len), frozen=True)
    shown.__doc__ = cls.__doc__
    markers = (tyro.conf.OmitArgPrefixes, tyro.conf.PositionalRequiredArgs, tyro.conf.PositionalMetavarFromFieldName)
    tyro.cli(shown, args=["--help"], prog=program(prog), config=markers)
    raise SystemExit(0)


def count_of(cls: type) -> str | None:
    """Return the field that says how many images a command takes, where it is not called n."""
    hints = {field.name: typing.get_type_hints(cls)[field.name] for field in dataclasses.fields(cls)}
    return None if "n" in hints else next((name for name in COUNTS if hints.get(name) in (int, int | None)), None)


def named(entry: tuple[str, Any, Any]) -> tuple[Any, ...]:
    """Return what make_dataclass takes: no third part where there is no default."""
    return entry[:2] if entry[2] is dataclasses.MISSING else entry


def default_of(field: dataclasses.Field, default: object) -> Any:
    """Return the default of a field: that of the instance `default`, where there is one."""
    return field.default if default is None else getattr(default, field.name)


def documented(cls: type) -> dict[str, str]:
    """Return the docstring, or the comment on its line, of each field of a dataclass and of those that it extends; a
    class that was made by a program has no text of its own."""
    texts: dict[str, str] = {}
    for part in reversed(cls.__mro__[:-1]):
        try:
            source = textwrap.dedent(inspect.getsource(part))
        except OSError:
            continue
        (tree,) = ast.parse(source).body
        assert isinstance(tree, ast.ClassDef)
        for node, after in zip(tree.body, [*tree.body[1:], None], strict=True):
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                match after:
                    case ast.Expr(value=ast.Constant(value=str(text))):
                        texts[node.target.id] = inspect.cleandoc(text)
                    case _:
                        line = source.splitlines()[(node.end_lineno or node.lineno) - 1]
                        texts[node.target.id] = line.partition("  # ")[2]
    return texts
