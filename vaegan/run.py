"""From flags to a resolved run: preset, resume, directory, environment."""

import dataclasses
import platform
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from vaegan import config as configuration
from vaegan import config_json, data, presets
from vaegan.commandline.arguments import flag, parse, words
from vaegan.commandline.explanation import HELP, explain
from vaegan.config import Config
from vaegan.errors import UsageError, UserError, impossible, unknown
from vaegan.machine import devices
from vaegan.presets import PRESETS
from vaegan.storage.ownership import is_fresh, owned
from vaegan.storage.writing import as_json, write_file

if TYPE_CHECKING:
    import torch

PROG = "python -m vaegan.train"


def resolve(args: Sequence[str] | None = None, said: Mapping[str, str] | None = None) -> tuple[Config, list[str]]:
    """Return the config that flags mean, and notes for the user.

    Flags win over `--preset`, a preset over the mode's own defaults, and these over those of all; with `--resume` the
    run's own settings are the defaults, and flags that contradict them are refused. `--help` prints and exits, with
    the texts of `said`.
    """
    given = words(args)
    if HELP & set(given):
        said = {"preset": f"Named set of defaults, over which flags win: {', '.join(PRESETS)}."} | dict(said or {})
        explain(Config, defaults_here(given), prog=PROG, said=said, topics=configuration.TOPICS)
    asked = parse(Config, args, prog=PROG)
    config, notes = with_preset(asked, args)
    run_dir = asked.run_dir or configuration.default_run_dir(config, PRESETS[preset_of(asked)])
    if asked.resume:
        config, notes = resumed(run_dir, args), list[str]()
    precision = devices.precision(config.precision, config.device)
    config = placed(dataclasses.replace(config, run_dir=run_dir, precision=precision))
    configuration.check(config)
    check_share(config, devices.processes())
    return config, notes + devices.notes(precision, config.device)


def preset_of(asked: Config) -> str:
    """Return the name of the preset that is asked for, or else of the one for this machine."""
    return asked.preset or ("gpu" if devices.on_cuda(asked.device) else "cpu")


def check_share(config: Config, count: int) -> None:
    """Raise UsageError for a batch that cannot be shared by `count` processes."""
    share, rest = divmod(config.batch_size, count)
    wanted = f"--batch-size {config.batch_size} with {count} processes"
    if rest:
        raise impossible(wanted, f"use a multiple of {count}")
    if share < 2 and config.norm == "batch":
        raise impossible(wanted, f"batch norm needs two images in each; use {2 * count} or more, or --norm group")


def placed(config: Config) -> Config:
    """Return a config whose data are found from any working directory."""
    data_dir = config.data_dir if config.dataset in data.EMBEDDED else config.data_dir.resolve()
    return dataclasses.replace(config, dataset=data.resolved(config.dataset), data_dir=data_dir)


def defaults_here(given: Sequence[str]) -> Config:
    """Return the defaults that hold on this machine, with the preset and the mode that are asked for."""
    try:
        asked = parse(Config, [word for word in given if word not in HELP])
        name = preset_of(asked)
        return dataclasses.replace(Config(), **{"mode": asked.mode} | presets.defaults(name, asked.mode))
    except (UsageError, KeyError):  # help is given beside a mistake too
        return Config()


def with_preset(asked: Config, args: Sequence[str] | None) -> tuple[Config, list[str]]:
    """Parse again over the rows of the preset and of the mode, and note each flag that contradicts the preset."""
    name = preset_of(asked)
    if name not in PRESETS:
        raise unknown("preset", name, PRESETS)
    mode = parse(Config, args, default=dataclasses.replace(Config(), **PRESETS[name]), prog=PROG).mode
    meant = presets.defaults(name, mode)
    config = parse(Config, args, default=dataclasses.replace(Config(), **meant), prog=PROG)
    overruled = [key for key in PRESETS[name] if getattr(config, key) != meant[key]] if asked.preset else []
    notes = [f"{flag(key)} {getattr(config, key)} overrides preset {name}'s {meant[key]}" for key in overruled]
    return dataclasses.replace(config, preset=name), notes


def resumed(run_dir: Path, args: Sequence[str] | None) -> Config:
    """Return the stored config of `run_dir`, refusing flags that would make it another run; `--steps` may grow."""
    if not run_dir.is_dir():
        raise UsageError(f"nothing to resume: {run_dir} does not exist; leave out --resume to start it")
    stored = dataclasses.replace(config_json.read(run_dir), resume=True, dry_run=False, run_dir=run_dir)
    config = dataclasses.replace(parse(Config, args, default=stored, prog=PROG), run_dir=run_dir)
    if config.precision == "auto":  # decided when the run began
        config = dataclasses.replace(config, precision=stored.precision)
    config = placed(config)
    if data.same_kind(stored.dataset, config.dataset):  # moved: `training` compares the images
        stored = dataclasses.replace(stored, dataset=config.dataset)
    longer = config.steps > stored.steps and config.may_grow
    changed = config_json.differences(dataclasses.replace(stored, steps=config.steps) if longer else stored, config)
    if changed:
        falls = " (its learning rate or beta moves over its steps)" if config.steps > stored.steps else ""
        changes = "; ".join(changed) + falls
        raise UsageError(f"--resume cannot change {changes}: leave the flag out, or use another --run-dir")
    return config


@contextmanager
def directory(config: Config) -> Iterator[None]:
    """Make and claim the run's directory, and own it until the block ends.

    Raises UsageError when it holds a run already, UserError when another process trains there.
    """
    refuse_existing(config)
    try:
        (config.directory / "samples").mkdir(parents=True, exist_ok=True)
        owner = owned(config.directory)
        owner.__enter__()
    except OSError as error:
        raise unwritable(config, error) from None
    try:
        claim(config)
        yield
    finally:
        owner.__exit__(None, None, None)


def claim(config: Config) -> None:
    """Write the run's config and environment. Raises UsageError when its directory holds a run already."""
    refuse_existing(config)
    settings = config_json.to_dict(config)
    try:
        write_file(config.directory / "env.json", as_json(environment(config)))
        write_file(config.directory / "config.json", as_json(settings))  # last: with it there is a run
    except OSError as error:
        raise unwritable(config, error) from None


def unwritable(config: Config, error: OSError) -> UserError:
    return UserError(f"{config.run_dir} cannot be written ({error.strerror}): choose another --run-dir")


def refuse_existing(config: Config) -> None:
    """Raise UsageError when the directory of a run to be started holds something."""
    if not config.resume and not is_fresh(config.directory):
        raise UsageError(f"{config.run_dir} exists already: add --resume to continue it, or choose another --run-dir")


def environment(config: Config) -> dict:
    """Return what a number may depend on besides the config."""
    import torch

    device = torch_device(config)
    return {
        "command": shlex.join(sys.argv),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "device": torch.cuda.get_device_name(device)
        if device.type == "cuda"
        else platform.processor() or platform.machine(),
        "threads": torch.get_num_threads(),
        "versions": {name: version(name) for name in ("torch", "torchvision", "torchmetrics", "scipy")},
    }


def torch_device(config: Config) -> "torch.device":
    """Return the device of `--device`, under torchrun this process's own. Raises UsageError when it is not there."""
    return devices.own(config.device)


def stored_step(run_dir: Path) -> int:
    """Return the step of a run's checkpoint, 0 when it was stopped before its first."""
    from vaegan.storage import checkpoint

    return checkpoint.read(run_dir)["step"] if checkpoint.path(run_dir).exists() else 0
