"""Named scalars of a run: one dict goes to metrics.jsonl and to TensorBoard under the same names."""

import json
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter
from torch.utils.tensorboard.summary import hparams

from vaegan.errors import UserError
from vaegan.storage.reading import reason, text
from vaegan.storage.writing import write_file

Scalars = dict[str, Tensor | float]
MOST = 2**63  # what counts anything stays below


class Averager:
    """Mean of each scalar since the last `take`; tensors stay on their device until then."""

    def __init__(self) -> None:
        self.sums: Scalars = {}
        self.counts: dict[str, int] = {}

    def add(self, scalars: Mapping[str, Tensor | float]) -> None:
        for name, value in scalars.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
            self.counts[name] = self.counts.get(name, 0) + 1

    def take(self) -> dict[str, float]:
        """Return the means and start anew."""
        means = {name: float(total) / self.counts[name] for name, total in self.sums.items()}
        self.sums, self.counts = {}, {}
        return means


HPARAMS = ".hparams"  # how the name of the event file with a run's row in TensorBoard's table ends


class MetricsWriter:
    """metrics.jsonl and TensorBoard events of one run, continued at `start` without repeating a step."""

    def __init__(self, run_dir: Path, start: int):
        self.run_dir = run_dir
        self.path = run_dir / "metrics.jsonl"
        keep_until(self.path, start)
        self.file = open(self.path, "a", buffering=1)
        # Purging from the first step too: a process killed before its first checkpoint has left points.
        self.board = SummaryWriter(str(run_dir), purge_step=start + 1)

    def scalars(self, step: int, values: dict[str, float]) -> None:
        """Write one line and one point a name."""
        self.file.write(json.dumps({"step": step, **values}) + "\n")
        for name, value in values.items():
            self.board.add_scalar(name, value, step)

    def image(self, name: str, picture: Tensor, step: int) -> None:
        """Show a uint8 picture (3, H, W)."""
        self.board.add_image(name, picture, step)

    def histogram(self, name: str, values: Tensor, step: int) -> None:
        """Show a distribution."""
        self.board.add_histogram(name, values, step)

    def hparams(self, settings: dict[str, Any], values: dict[str, float], step: int) -> None:
        """Write a run's settings and results for TensorBoard's table; `add_hparams` would open a child run.

        TensorBoard keeps the first row it reads, so they have an event file of their own, which replaces the last one.
        """
        self.board.close()
        for old in self.run_dir.glob(f"events.out.tfevents.*{HPARAMS}"):
            old.unlink()
        plain = {k: v if isinstance(v, bool | int | float | str) else str(v) for k, v in settings.items()}
        with SummaryWriter(str(self.run_dir), filename_suffix=HPARAMS) as board:
            for summary in hparams(plain, values):
                board._get_file_writer().add_summary(summary)
            for name, value in values.items():
                board.add_scalar(name, value, step)

    def close(self) -> None:
        self.board.close()
        self.file.close()


def keep_until(path: Path, step: int) -> None:
    """Drop lines of metrics.jsonl after `step`: they belong to updates that a crash lost."""
    if path.exists():
        kept = [json.dumps(row) for row in rows(path) if row["step"] <= step]
        write_file(path, "".join(f"{line}\n" for line in kept).encode())


def rows(path: Path) -> list[dict[str, float]]:
    """Return the lines of metrics.jsonl, without a last one that a crash cut short. Raises UserError for any other that
    is not scalars by name, or of an earlier step than the one before."""
    try:
        lines = text(path).splitlines()
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({reason(error)}): restore it, or train the run again") from None
    parsed = [parse(line) for line in lines]
    if parsed and parsed[-1] is None:
        parsed.pop()
    steps = [-1 if row is None else row["step"] for row in parsed]
    bad = next((number for number, (a, b) in enumerate(pairwise([0, *steps]), start=1) if b < a), None)
    if bad:
        raise UserError(f"{path} is damaged in line {bad}: restore it, or train the run again")
    return [row for row in parsed if row is not None]


def parse(line: str) -> dict[str, float] | None:
    """Return a line's scalars, None when it holds something else."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    numbers = isinstance(row, dict) and all(is_number(value) for value in row.values())
    return row if numbers and type(row.get("step")) is int and row["step"] >= 0 else None


def is_number(value: object) -> bool:
    """Whether a JSON value is a scalar: a whole number of any size has digits that no float can hold."""
    return type(value) is float or type(value) is int and abs(value) < MOST


def not_finite(values: dict[str, float]) -> str | None:
    """Return the name of a scalar that is NaN or infinite."""
    return next((name for name, value in values.items() if not torch.isfinite(torch.tensor(value))), None)


def read(run_dir: Path) -> list[dict[str, float]]:
    """Return the lines of a run's metrics.jsonl, [] without one. Raises UserError as `rows` does."""
    path = run_dir / "metrics.jsonl"
    return rows(path) if path.exists() else []
