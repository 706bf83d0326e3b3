"""A run's config as JSON, in its config.json and elsewhere, and whether two configs are of one run."""

import dataclasses
import json
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from vaegan.config import EXECUTION, Config, check
from vaegan.errors import UsageError, UserError
from vaegan.networks.architectures import row
from vaegan.storage.reading import reason, text


def to_dict(config: Config) -> dict[str, Any]:
    """Return the config as JSON values, of a run and not of the command that last continued it: both are one run."""
    kept = dataclasses.replace(config, resume=False, dry_run=False)
    return {k: str(v) if isinstance(v, Path) else v for k, v in dataclasses.asdict(kept).items()}


def from_dict(values: object, origin: str) -> Config:
    """Rebuild a config from JSON values. Raises UserError for names, types or values that no config of this version
    has."""
    hints = get_type_hints(Config)
    if not isinstance(values, dict):
        raise UserError(f"{origin} holds no settings: restore it or train the run again")
    if unknown := sorted(map(str, set(values) - set(hints))):
        raise UserError(f"{origin} has the unknown setting {unknown[0]!r}: it was written by another version")
    wrong = next((name for name, value in values.items() if not is_of(value, hints[name])), None)
    if wrong:
        raise UserError(f"{origin} has a {wrong} that cannot be meant ({values[wrong]!r:.80}): restore the file")
    settings: Any = {k: Path(v) if v is not None and Path in kinds(hints[k]) else v for k, v in values.items()}
    config = Config(**settings)
    try:
        row(config.architecture)
    except UsageError as error:
        raise UserError(f"{origin} has networks that are not here: {error}") from None
    try:
        check(config)
    except UsageError as error:
        raise UserError(f"{origin} was changed: {error}") from None
    return config


def kinds(hint: Any) -> tuple[Any, ...]:
    """Return the parts of a union, or the type itself."""
    return (hint,) if isinstance(hint, type) or get_origin(hint) is Literal else get_args(hint)


def is_of(value: object, hint: Any) -> bool:
    """Whether a JSON value can be a setting of a type; whole numbers are floats too, truth values are no numbers."""
    if isinstance(value, str) and not value.isprintable():
        return False
    for kind in kinds(hint):
        if get_origin(kind) is Literal:
            if any(value == choice and type(value) is type(choice) for choice in get_args(kind)):
                return True
        elif type(value) is {Path: str}.get(kind, kind) or kind is float and type(value) is int:
            return True
    return False


def read(run_dir: Path) -> Config:
    """Read a run's config.json. Raises UserError when it is missing or damaged."""
    path = run_dir / "config.json"
    try:
        return from_dict(json.loads(text(path)), str(path))
    except FileNotFoundError:
        raise UserError(f"{run_dir} is not a run: it has no config.json") from None
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path} cannot be read ({reason(error)}): train the run again") from None


def compare(run_dir: Path, trained: Config) -> None:
    """Raise UserError when a run's config.json, where there is one, is not that of its checkpoint, whose config is
    `trained`: figures would be filed under settings that did not make them."""
    if (run_dir / "config.json").exists():
        compare_with(run_dir, trained, read(run_dir))


def compare_with(run_dir: Path, trained: Config, written: Config) -> None:
    """As `compare`, of a config.json that has been read."""
    if trained.may_grow:  # a run made longer has a new number before its first checkpoint
        trained = dataclasses.replace(trained, steps=written.steps)
    if ":" in written.dataset and trained.dataset.partition(":")[0] == written.dataset.partition(":")[0]:
        trained = dataclasses.replace(trained, dataset=written.dataset)  # moved: the images themselves are compared
    if changed := differences(trained, written):
        raise UserError(f"{run_dir / 'config.json'} is not that of its checkpoint ({'; '.join(changed)}): restore it")


def differences(old: Config, new: Config) -> list[str]:
    """List the settings of a run that two configs disagree on, as 'name old -> new'."""
    a, b = to_dict(old), to_dict(new)
    return [f"{name} {a[name]} -> {b[name]}" for name in a if name not in EXECUTION and a[name] != b[name]]
