"""Checkpoints: tensors and plain values only, written whole or not at all, read without running anything in them."""

import os
import pickle
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from vaegan.errors import UserError

FORMAT = 1
KEYS = {"format", "config", "step", "channels", "networks", "decoder_ema", "optimizers", "random_state"}


LAST = "last.pt"  # the newest, from which training goes on


def path(run_dir: Path, name: str = LAST) -> Path:
    """Return where a run keeps a checkpoint, by default its newest."""
    return run_dir / "checkpoints" / name


def save(run_dir: Path, state: dict[str, Any], name: str = LAST) -> None:
    """Write a checkpoint through a temporary file, so that a crash or a full disk leaves the previous one.

    Raises UserError when it cannot be written.
    """
    target = path(run_dir, name)
    partial = target.with_name(f".{name}.{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(partial, "wb") as file:
            torch.save({"format": FORMAT, **state}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, target)
    except (OSError, RuntimeError) as error:  # torch reports a short write as a RuntimeError
        with suppress(OSError):
            partial.unlink()
        kept = "the previous checkpoint is intact" if target.exists() else "nothing was saved before"
        reason = getattr(error, "strerror", None) or "a short write, as on a full disk"
        raise UserError(
            f"{target} could not be saved at step {state['step']} ({reason}); {kept}: free space, then --resume"
        ) from None


def read(run_dir: Path, name: str = LAST) -> dict[str, Any]:
    """Read a run's checkpoint, by default its newest, onto the CPU. Raises UserError when it is missing, truncated or
    not ours."""
    source = path(run_dir, name)
    try:
        state = torch.load(source, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise UserError(f"{run_dir} has no checkpoint ({source.relative_to(run_dir)}): train it first") from None
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError, OSError, AttributeError) as error:
        reason = str(error).splitlines()[0][:100] if str(error) else type(error).__name__
        raise UserError(
            f"{source} is damaged or not a checkpoint ({reason}): restore it or train the run again"
        ) from None
    if not isinstance(state, dict) or not KEYS <= set(state) or state["format"] != FORMAT:
        raise UserError(f"{source} is not a checkpoint of this version: train the run again")
    return state
