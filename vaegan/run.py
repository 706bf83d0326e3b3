"""From flags to a resolved run: preset, resume, directory, environment."""

import ctypes
import dataclasses
import json
import os
import platform
import shlex
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from vaegan import config as configuration
from vaegan.commandline import parse, words
from vaegan.config import Config
from vaegan.errors import UsageError, UserError, nearest
from vaegan.explanation import HELP, explain
from vaegan.presets import MODES, PRESETS

if TYPE_CHECKING:
    import torch

PROG = "python -m vaegan.train"
DEVICES = ("auto", "cpu", "cuda")
NO_CUDA = "--device cuda is not possible: no CUDA device is available; use --device cpu"


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
    run_dir = asked.run_dir or configuration.default_run_dir(config, PRESETS[config.preset])
    if asked.resume:
        return resumed(run_dir, args), []
    config = dataclasses.replace(config, run_dir=run_dir)
    configuration.check(config)
    return config, notes


def defaults_here(given: Sequence[str]) -> Config:
    """Return the defaults that hold on this machine, with the preset and the mode that are asked for."""
    try:
        asked = parse(Config, [word for word in given if word not in HELP])
        name = asked.preset or ("gpu" if on_cuda(asked) else "cpu")
        mode = {"mode": asked.mode} | MODES.get(asked.mode, {})
        return dataclasses.replace(Config(), **mode | PRESETS[name])
    except (UsageError, KeyError):  # help is given beside a mistake too
        return Config()


def with_preset(asked: Config, args: Sequence[str] | None) -> tuple[Config, list[str]]:
    """Parse again over the rows of the preset and of the mode, and note each flag that contradicts the preset."""
    name = asked.preset or ("gpu" if on_cuda(asked) else "cpu")
    if name not in PRESETS:
        raise UsageError(f"unknown preset {name!r}{nearest(name, PRESETS)}; known are {', '.join(PRESETS)}")
    row = PRESETS[name]
    mode = parse(Config, args, default=dataclasses.replace(Config(), **row), prog=PROG).mode
    config = parse(Config, args, default=dataclasses.replace(Config(), **MODES.get(mode, {}) | row), prog=PROG)
    overridden = {k: getattr(config, k) for k, v in row.items() if getattr(config, k) != v} if asked.preset else {}
    notes = [f"--{k.replace('_', '-')} {v} overrides preset {name}'s {row[k]}" for k, v in overridden.items()]
    return dataclasses.replace(config, preset=name), notes


def resumed(run_dir: Path, args: Sequence[str] | None) -> Config:
    """Return the stored config of `run_dir`, refusing flags that would make it another run; `--steps` may grow."""
    if not run_dir.is_dir():
        raise UsageError(f"nothing to resume: {run_dir} does not exist; leave out --resume to start it")
    stored = dataclasses.replace(configuration.read(run_dir), resume=True, dry_run=False, run_dir=run_dir)
    config = dataclasses.replace(parse(Config, args, default=stored, prog=PROG), run_dir=run_dir)
    longer = config.steps > stored.steps and config.learning_rate_decay == 1
    changed = configuration.differences(dataclasses.replace(stored, steps=config.steps) if longer else stored, config)
    if changed:
        raise UsageError(f"--resume cannot change {'; '.join(changed)}: leave the flag out, or use another --run-dir")
    configuration.check(config)
    return config


def claim(config: Config) -> None:
    """Make the run's directory and write its config. Raises UsageError when it holds a run already."""
    run_dir = config.run_dir
    if not config.resume and run_dir.exists() and (not run_dir.is_dir() or any(run_dir.iterdir())):
        raise UsageError(f"{run_dir} exists already: add --resume to continue it, or choose another --run-dir")
    try:
        (run_dir / "samples").mkdir(parents=True, exist_ok=True)
        write_json(run_dir / "config.json", configuration.to_dict(config))
        write_json(run_dir / "env.json", environment(config))
    except OSError as error:
        raise UserError(f"{run_dir} cannot be written ({error.strerror}): choose another --run-dir") from None


def write_json(path: Path, value: dict) -> None:
    """Write JSON whole or not at all."""
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(value, indent=2) + "\n")
    partial.replace(path)


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
    """Return the device of `--device`. Raises UsageError when it is not there."""
    check_device(config.device)
    import torch

    if config.device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if config.device == "cuda" and not torch.cuda.is_available():
        raise UsageError(NO_CUDA)
    return torch.device(config.device)


def check_device(name: str) -> None:
    """Raise UsageError for a device that is unknown, or that has no driver here; torch is not asked."""
    if name not in DEVICES:
        raise UsageError(f"unknown device {name!r}{nearest(name, DEVICES)}; use {' or '.join(DEVICES)}")
    if name == "cuda" and not has_driver():
        raise UsageError(NO_CUDA)


def on_cuda(config: Config) -> bool:
    """Whether a run will be on a CUDA device; torch, seconds to import, is asked only where there is a driver."""
    check_device(config.device)
    return config.device != "cpu" and has_driver() and torch_device(config).type == "cuda"


def has_driver() -> bool:
    """Whether this machine has a driver that torch could find a CUDA (or ROCm) device with."""
    try:
        ctypes.CDLL("nvcuda.dll" if os.name == "nt" else "libcuda.so.1")
        return True
    except OSError:
        return Path("/dev/kfd").exists()


def stored_step(run_dir: Path) -> int:
    """Return the step of a run's checkpoint, 0 when it was stopped before its first."""
    from vaegan import checkpoint

    return checkpoint.read(run_dir)["step"] if checkpoint.path(run_dir).exists() else 0
