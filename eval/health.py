"""Is a run healthy? Diversity, repeated images, grain and speckle in grey and colour, the discriminator's state, one row a
run: `python -m eval.health RUN [RUN ...]`."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import tyro

from eval.evidence.health import BLIND, CERTAIN, FIGURES, examine, look, read_metrics
from eval.features.choice import network_for
from eval.sources.held_out import drawn
from eval.sources.runs import load_split, open_runs
from vaegan.commandline import parse
from vaegan.errors import UsageError, UserError, exits_cleanly


def examine_run(directory: Path, count: int = 512, seed: int = 0, data_dir: Path | None = None) -> dict:
    """Open a run, draw `count` prior samples and as many held-out images, and return its row for the table."""
    (run,) = open_runs([directory])
    held_out = load_split(run, "test", data_dir)
    real = drawn(held_out.images, count, seed)
    if len(real) < 2:
        raise UserError(f"{run.config.dataset} has {len(real)} held-out image(s); health needs at least 2")
    samples = run.model.sample(len(real), seed=seed)
    network, _ = network_for(held_out)
    health = examine(look(samples, network), look(real, network), read_metrics(run.directory))
    return {
        "run": str(directory),
        "mode": run.config.mode,
        "step": run.model.step,
        **asdict(health),
        "verdict": health.verdict,
        "features": network.name,
        "images": len(real),
    }


def table(rows: Sequence[dict]) -> str:
    """The rows as aligned text, one run a line, with the thresholds in the heading."""
    head = ("run", "step", "finite", *(f"{name}{limit}" for name, _, limit in FIGURES))
    head += ("p(real)", "p(fake)", f"gap {BLIND}..{CERTAIN}", "verdict")
    cells = [head] + [
        (
            Path(row["run"]).name,
            str(row["step"]),
            "yes" if row["losses_finite"] else "NO",
            *(_number(row[key]) for key in (*(key for _, key, _ in FIGURES), "p_real", "p_fake", "gap")),
            "; ".join((row["verdict"], *row["reasons"])),
        )
        for row in rows
    ]
    widths = [max(len(line[i]) for line in cells) for i in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    names = sorted({row["features"] for row in rows})
    return "\n".join([*lines, f"features: {', '.join(names)}; ratios to {rows[0]['images']} real held-out images"])


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


@dataclass(frozen=True)
class Arguments:
    """Print one line a run: losses, diversity, repeated images, grain and speckle, discriminator, verdict."""

    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Run directories."""
    samples: int = 512
    """Prior samples drawn, and held-out images they are compared with."""
    seed: int = 0
    """Seed of the samples."""
    data_dir: Path | None = None
    """Where the data lie, when not where the run found them."""
    json: Path | None = None
    """Also write the rows to this file."""


@exits_cleanly
def main() -> None:
    """Entry point of `python -m eval.health`."""
    arguments = parse(Arguments, prog="python -m eval.health")
    if not arguments.runs:
        raise UsageError("no run given; use: python -m eval.health RUN [RUN ...]")
    if arguments.samples < 2:
        raise UsageError(f"--samples {arguments.samples} is not possible: use 2 or more")
    rows = [examine_run(run, arguments.samples, arguments.seed, arguments.data_dir) for run in arguments.runs]
    print(table(rows))
    if arguments.json:
        _write_json(arguments.json, rows)


def _write_json(path: Path, rows: Sequence[dict]) -> None:
    try:
        path.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from None


if __name__ == "__main__":
    main()
