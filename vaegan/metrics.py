"""Named scalars of a run: one dict goes to metrics.jsonl and to TensorBoard under the same names."""

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter
from torch.utils.tensorboard.summary import hparams

Scalars = dict[str, Tensor | float]


class Averager:
    """Mean of each scalar since the last `take`; tensors stay on their device until then."""

    def __init__(self) -> None:
        self.sums: Scalars = {}
        self.counts: dict[str, int] = {}

    def add(self, scalars: Scalars) -> None:
        for name, value in scalars.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
            self.counts[name] = self.counts.get(name, 0) + 1

    def take(self) -> dict[str, float]:
        """Return the means and start anew."""
        means = {name: float(total) / self.counts[name] for name, total in self.sums.items()}
        self.sums, self.counts = {}, {}
        return means


class MetricsWriter:
    """metrics.jsonl and TensorBoard events of one run, continued at `start` without repeating a step."""

    def __init__(self, run_dir: Path, start: int):
        self.path = run_dir / "metrics.jsonl"
        keep_until(self.path, start)
        self.file = open(self.path, "a", buffering=1)
        self.board = SummaryWriter(str(run_dir), purge_step=start + 1 if start else None)

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

    def hparams(self, settings: dict[str, Any], values: dict[str, float]) -> None:
        """Write a run's settings and results for TensorBoard's table; `add_hparams` would open a child run."""
        plain = {k: v if isinstance(v, bool | int | float | str) else str(v) for k, v in settings.items()}
        for summary in hparams(plain, values):
            self.board._get_file_writer().add_summary(summary)

    def close(self) -> None:
        self.board.close()
        self.file.close()


def keep_until(path: Path, step: int) -> None:
    """Drop lines of metrics.jsonl after `step`: they belong to updates that a crash lost."""
    if not path.exists():
        return
    kept = [line for line in path.read_text().splitlines() if logged_step(line) <= step]
    path.write_text("".join(f"{line}\n" for line in kept))


def logged_step(line: str) -> float:
    """Return a line's step, or infinity for a line cut short by a crash."""
    try:
        step = json.loads(line)["step"]
    except (json.JSONDecodeError, KeyError, TypeError):
        return float("inf")
    return step if isinstance(step, int) else float("inf")


def not_finite(values: dict[str, float]) -> str | None:
    """Return the name of a scalar that is NaN or infinite."""
    return next((name for name, value in values.items() if not torch.isfinite(torch.tensor(value))), None)


def read(run_dir: Path) -> list[dict[str, float]]:
    """Return the rows of a run's metrics.jsonl in order of step, [] when there is none: without a line that a crash cut
    short, and of a step that a resumed run wrote twice the later row."""
    path = run_dir / "metrics.jsonl"
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
    rows = {logged_step(line): json.loads(line) for line in lines if logged_step(line) != float("inf")}
    return [rows[step] for step in sorted(rows)]
