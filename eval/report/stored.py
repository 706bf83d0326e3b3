"""report.json: the one encoder and the one reader of the schema's types."""

import json
import types
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from eval.report import schema
from eval.report.schema import Report
from eval.words import finite
from vaegan.errors import UserError
from vaegan.storage.reading import reason, text
from vaegan.storage.writing import write_whole

NAME = "report.json"
T = TypeVar("T")


def write(report: Report, folder: Path) -> None:
    """Write `folder`/report.json, whole or not at all."""
    write_whole(folder / NAME, encoded(report).encode())


def encoded(report: Report) -> str:
    """The report as JSON, with null for what is no number."""
    return json.dumps(finite(asdict(report)), indent=1) + "\n"


def read(folder: Path) -> Report:
    """Read `folder`/report.json. Raises UserError for none, and for one of another version."""
    path = folder / NAME
    try:
        value = json.loads(text(path))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path} cannot be read ({reason(error)}): make the report again") from None
    version = value.get("schema_version") if isinstance(value, dict) else None
    if version != schema.VERSION:
        raise UserError(f"{path} is of schema {version}, this program reads {schema.VERSION}: make the report again")
    return of_value(Report, value, str(path))


def of_value(kind: type[T], value: Any, where: str = "") -> T:
    """Read a dataclass from what `asdict` or JSON made of it; UserError, naming the place, for what does not fit."""
    report: T = _read(kind, value, where or kind.__name__)
    return report


def _read(kind: Any, value: Any, where: str) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if origin in (Union, types.UnionType):
        return None if value is None else _read(next(a for a in arguments if a is not type(None)), value, where)
    if origin is Literal:
        return _checked(value in arguments, value, where)
    if origin is list:
        _checked(isinstance(value, (list, tuple)), value, where)
        return [_read(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(value)]
    if origin is dict:
        _checked(isinstance(value, dict), value, where)
        return {key: _read(arguments[1], item, f"{where}.{key}") for key, item in value.items()}
    if is_dataclass(kind):
        return _read_fields(kind, value, where)
    accepted = (int, float) if kind is float else kind
    return _checked(isinstance(value, accepted) and (kind is bool or not isinstance(value, bool)), value, where)


def _read_fields(kind: Any, value: Any, where: str) -> Any:
    if isinstance(value, kind):
        return value
    _checked(isinstance(value, dict), value, where)
    hints, names = get_type_hints(kind), {field.name for field in fields(kind)}
    if value.keys() != names:
        missing, unknown = sorted(names - value.keys()), sorted(value.keys() - names)
        raise UserError(f"{where} does not fit {kind.__name__}: missing {missing}, unknown {unknown}")
    return kind(**{name: _read(hints[name], value[name], f"{where}.{name}") for name in names})


def _checked(fits: bool, value: Any, where: str) -> Any:
    if not fits:
        raise UserError(f"{where} is {value!r:.60}, which does not fit the schema of {NAME}")
    return value
