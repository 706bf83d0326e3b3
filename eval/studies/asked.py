"""What a study is asked for: its own settings, and every flag of vaegan.train, by command line or a plan in TOML."""

import dataclasses
import json
import sys
from collections.abc import Mapping, Sequence
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
    """TOML file of a study's flags, `beta = [0.5, 1, 2]`; flags beside it win. Every study leaves one, study.toml."""
    jobs: int = 1
    """Runs trained at once, with the processor's threads shared out between them."""
    yes: bool = False
    """Train more than 200 runs."""
    dry_run: bool = False
    """Print the runs with an estimate of time and disk, and stop."""
    commands: bool = False
    """Print a command line for each run that is missing, for a cluster's scheduler, and stop."""


@dataclass(frozen=True)
class Study(Asked):
    """What is asked for, with the settings of runs that were given and the values of each."""

    settings: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    @property
    def fixed(self) -> dict[str, Any]:
        """Settings of which one value was given."""
        return {name: values[0] for name, values in self.settings.items() if len(values) == 1}

    @property
    def swept(self) -> dict[str, tuple[Any, ...]]:
        """Settings of which several values were given."""
        return {name: values for name, values in self.settings.items() if len(values) > 1}


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
    if asked.plan:
        words = [*of_plan(asked.plan), *words]
        asked = parse(Flags, words, prog=prog)
    check_values(asked, words)
    given = {name: getattr(asked, name) for name in PASSED_ON}
    given = {name: v for name, v in given.items() if v is not None and v is not False and v != ()}
    settings = {name: v if isinstance(v, tuple) else (v,) for name, v in given.items()}
    return Study(**{f.name: getattr(asked, f.name) for f in dataclasses.fields(Asked)}, settings=settings)


def check_values(asked: Asked, words: Sequence[str]) -> None:
    """Raise UsageError for a setting of runs that is named without a value, which would be as if it were not."""
    named = {word.replace("_", "-") for word in words}
    for name in PASSED_ON:
        if getattr(asked, name) == () and flag(name) in named:
            raise UsageError(f"{flag(name)} has no value: give one, or several for a grid")


def of_plan(path: Path) -> list[str]:
    """Return a plan as words of a command line. Raises UsageError, naming the file, for what no study has."""
    try:
        plan = tomllib.loads(text(path).replace("\r\n", "\n"))
    except OSError as error:
        raise UsageError(f"--plan {path} cannot be read ({error.strerror}): give a TOML file") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"--plan {path} is no TOML ({error}): write a line `beta = [0.5, 1, 2]` for a flag") from None
    known = [name for name in NAMES if name not in NOT_SAVED or name == "jobs"]
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
    return "".join(f"{name} = {_toml(value)}\n" for name, value in values.items())


def _toml(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, (int, float)) else json.dumps(str(value), ensure_ascii=False)
