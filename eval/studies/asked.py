"""What a study is asked for: its own settings, and every flag of vaegan.train, by command line or a plan in TOML."""

import dataclasses
import json
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_type_hints

from vaegan import config as configuration
from vaegan.commandline.arguments import as_words, flag, parse
from vaegan.commandline.explanation import HELP, documented, explain
from vaegan.config import Config
from vaegan.errors import UsageError, nearest
from vaegan.storage.reading import text

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

OF_THE_STUDY = {"mode", "dataset", "seed", "run_dir", "resume", "dry_run"}  # settings of a run that the study decides
PASSED_ON = [name for name in Config.__dataclass_fields__ if name not in OF_THE_STUDY]
# Of these a study has one value each: they make no other run, or belong to the modes that need them.
SINGLE = [name for name in PASSED_ON if name in configuration.EXECUTION | {"discriminator", "init"}]
PARTS = ("dataset", "modes", "seeds")  # what an override may be of
NOT_SAVED = ("plan", "dry_run", "yes", "commands", "jobs")  # how a study is executed, not what it is


@dataclass(frozen=True)
class Asked:
    """Train what is missing of data sets x modes x seeds, compare each data set's runs, sum up.

    Every flag of vaegan.train is passed on, its default unless given; several values, as in `--beta 0.5 1 2`, make a
    grid.
    """

    dataset: tuple[str, ...] = ("synthfaces",)
    """Data sets, as in `vaegan train`."""
    modes: tuple[str, ...] = ("vae", "vaegan")
    """Modes to train, as in `vaegan train`; vae vae-disl vaegan-pixel vaegan tell which ingredient removes blur."""
    seeds: tuple[int, ...] = (0,)
    """One run of every mode for each seed."""
    out: Path = Path("runs")
    """Where the runs, a report for each data set, study.md, study.json and study.toml are written."""
    samples: int = 10_000
    """Images a source, as in `vaegan compare`."""
    plan: Path | None = None
    """TOML file of a study's flags, `beta = [0.5, 1, 2]`, and of what differs by mode or data set, [[override]]; flags
    beside it win. Every study leaves one, study.toml."""
    jobs: int = 1
    """Runs trained at once, with the processor's threads shared out between them."""
    yes: bool = False
    """Train more than 200 runs."""
    dry_run: bool = False
    """Print the runs with an estimate of time and disk, and stop."""
    commands: bool = False
    """Print a command line for each run that is missing, for a cluster's scheduler, and stop."""


@dataclass(frozen=True)
class Override:
    """What a part of a study's runs has of its own: some data sets' and modes', all of them where none is named."""

    dataset: tuple[str, ...] | None = None
    modes: tuple[str, ...] | None = None
    seeds: tuple[int, ...] | None = None  # in place of the study's; () for no run at all
    settings: Mapping[str, Any] = field(default_factory=dict)

    def concerns(self, dataset: str, mode: str) -> bool:
        """Whether a run belongs to that part."""
        return (self.dataset is None or dataset in self.dataset) and (self.modes is None or mode in self.modes)

    def without(self, names: Collection[str]) -> "Override":
        """The same but for what a flag beside the plan has decided."""
        kept = {name: value for name, value in self.settings.items() if name not in names}
        return dataclasses.replace(self, seeds=None if "seeds" in names else self.seeds, settings=kept)


@dataclass(frozen=True)
class Study(Asked):
    """What is asked for, with the settings of runs that were given and the values of each."""

    settings: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    overrides: tuple[Override, ...] = ()

    @property
    def fixed(self) -> dict[str, Any]:
        """Settings of which one value was given."""
        return {name: values[0] for name, values in self.settings.items() if len(values) == 1}

    @property
    def swept(self) -> dict[str, tuple[Any, ...]]:
        """Settings of which several values were given."""
        return {name: values for name, values in self.settings.items() if len(values) > 1}

    def own(self, dataset: str, mode: str) -> dict[str, Any]:
        """Settings that a data set's runs of a mode have of their own; of two overrides the later wins."""
        return {n: v for o in self.overrides if o.concerns(dataset, mode) for n, v in o.settings.items()}

    def seeds_of(self, dataset: str, mode: str) -> tuple[int, ...]:
        """The seeds of a data set's runs of a mode."""
        own = [o.seeds for o in self.overrides if o.seeds is not None and o.concerns(dataset, mode)]
        return own[-1] if own else self.seeds


def _passed_on(name: str, hint: Any) -> tuple[str, Any, Any]:
    """A setting of a run as a flag of the study: absent unless given, of any number of values where they make runs."""
    if hint is bool:
        return name, bool, False
    return (name, hint | None, None) if name in SINGLE else (name, tuple[hint, ...], ())


HINTS = get_type_hints(Config)
Flags: Any = dataclasses.make_dataclass(
    "Flags", [_passed_on(name, HINTS[name]) for name in PASSED_ON], bases=(Asked,), frozen=True
)
Flags.__doc__ = Asked.__doc__
NAMES = [f.name for f in dataclasses.fields(Flags)]
TOPICS = {
    "study": [f.name for f in dataclasses.fields(Asked)],
    **{topic: [name for name in names if name in PASSED_ON] for topic, names in configuration.TOPICS.items()},
}


def ask(words: Sequence[str], prog: str, said: Mapping[str, str]) -> Study:
    """Return what a command line asks for, its plan's settings beneath it. Raises UsageError; `--help` prints and
    exits 0, with `said` in place of the fields' own texts."""
    if HELP & set(words):
        explain(Flags, prog=prog, said=documented(Config) | documented(Asked) | dict(said), topics=TOPICS)
    asked = parse(Flags, words, prog=prog)
    planned, overrides = of_plan(asked.plan) if asked.plan else ([], ())
    words, beside = [*planned, *words], named(words)
    asked = parse(Flags, words, prog=prog)
    check_values(asked, words)
    values = {f.name: getattr(asked, f.name) for f in dataclasses.fields(Asked)}
    return Study(**values, settings=given(asked, words), overrides=tuple(o.without(beside) for o in overrides))


def given(asked: Asked, words: Sequence[str]) -> dict[str, tuple[Any, ...]]:
    """The settings of runs that were given by `words`, and the values of each; a mode may need what `--no-x` denies."""
    values = {name: getattr(asked, name) for name in PASSED_ON}
    values = {n: v for n, v in values.items() if v not in (None, ()) and (v is not False or n in named(words))}
    return {name: v if isinstance(v, tuple) else (v,) for name, v in values.items()}


def named(words: Sequence[str]) -> set[str]:
    """The names of the flags of a command line."""
    found = {word.partition("=")[0].removeprefix("--").replace("-", "_") for word in words if word.startswith("--")}
    return (found | {name.removeprefix("no_") for name in found}) & set(NAMES)


def check_values(asked: Asked, words: Sequence[str]) -> None:
    """Raise UsageError for a setting of runs that is named without a value, which would be as if it were not."""
    for name in PASSED_ON:
        if getattr(asked, name) == () and name in named(words):
            raise UsageError(f"{flag(name)} has no value: give one, or several for a grid")


def of_plan(path: Path) -> tuple[list[str], tuple[Override, ...]]:
    """Return a plan as words of a command line, and what parts of it have of their own. Raises UsageError, naming the
    file, for what no study has."""
    plan = read(path)
    tables = plan.pop("override", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise UsageError(f"--plan {path} has an override that is no table: write [[override]] above its lines")
    words = as_flags(path, plan, [name for name in NAMES if name not in NOT_SAVED or name == "jobs"])
    return words, tuple(override(path, table, parse(Flags, words)) for table in tables)


def override(path: Path, table: Mapping[str, Any], study: Asked) -> Override:
    """Return a table [[override]] of a plan. Raises UsageError for what no part of the plan's study has."""
    words = as_flags(path, table, [*PARTS, *(name for name in PASSED_ON if name not in SINGLE)])
    asked = parse(Flags, words)
    parts = {name: getattr(asked, name) for name in PARTS if name in named(words)}
    for name in ("dataset", "modes"):
        if parts.get(name) == ():
            raise UsageError(f"--plan {path} has an override with an empty {name}: leave it out for all of them")
        if strange := [value for value in parts.get(name, ()) if value not in getattr(study, name)]:
            raise UsageError(f"--plan {path} has an override of {strange[0]}, which is not in its {flag(name)}")
    settings = given(asked, words)
    if several := [name for name, values in settings.items() if len(values) > 1]:
        raise UsageError(f"--plan {path} has an override with several values of {several[0]}: grids are of all runs")
    return Override(**parts, settings={name: values[0] for name, values in settings.items()})


def read(path: Path) -> dict[str, Any]:
    """Return what a TOML file holds. Raises UsageError when it cannot be read or is none."""
    try:
        return tomllib.loads(text(path).replace("\r\n", "\n"))
    except OSError as error:
        raise UsageError(f"--plan {path} cannot be read ({error.strerror}): give a TOML file") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"--plan {path} is no TOML ({error}): write a line `beta = [0.5, 1, 2]` for a flag") from None


def as_flags(path: Path, plan: Mapping[str, Any], known: Sequence[str]) -> list[str]:
    """Return a table of a plan as words of a command line. Raises UsageError, naming the file, for keys that are not
    `known` and values that those cannot have."""
    result: list[str] = []
    for key, value in plan.items():
        if (name := key.replace("-", "_")) not in known:
            raise UsageError(f"--plan {path} has the unknown key {key!r}{nearest(name, known)}; see --help")
        words = as_words({name: value})
        if flags := [word for word in words[1:] if word.startswith("--")]:
            raise UsageError(f"--plan {path} has {flags[0]!r} for a value of {key!r}: a flag is a key of its own")
        try:
            parse(Flags, words)
        except UsageError as error:
            raise UsageError(f"--plan {path}: {error}") from None
        result += words
    return result


def toml(study: Study) -> str:
    """A study as a plan, from which `--plan` makes it again."""
    own = {f.name: getattr(study, f.name) for f in dataclasses.fields(Asked) if f.name not in NOT_SAVED}
    values = {**own, **{name: v if len(v) > 1 else v[0] for name, v in study.settings.items()}}
    tables = [
        {name: v for name in PARTS if (v := getattr(o, name)) is not None} | dict(o.settings) for o in study.overrides
    ]
    return "\n[[override]]\n".join(_lines(table) for table in (values, *tables))


def _lines(values: Mapping[str, Any]) -> str:
    return "".join(f"{name} = {_toml(value)}\n" for name, value in values.items())


def _toml(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, (int, float)) else json.dumps(str(value), ensure_ascii=False)
