"""python -m eval.attribute_vectors RUN [RUN ...]: do attribute vectors change what they name, and nothing else?"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from vaegan.commandline.arguments import at_least, need_runs, parse, require
from vaegan.errors import exits_cleanly, impossible
from vaegan.machine import devices
from vaegan.pictures.kinds import VECTORS
from vaegan.storage.writing import check_writable, write_json

PROG = "python -m eval.attribute_vectors"


@dataclass(frozen=True)
class Arguments:
    """Measure what adding and removing each attribute's vector changes, by the shipped attribute network's verdict."""

    runs: tuple[Path, ...]
    """Run directories."""
    faces: int = 1000
    """Held-out faces judged, and as many others to tune on."""
    vectors: tuple[str, ...] = VECTORS
    """means: Larsen's, with minus without; partial: the other attributes held fixed; calibrated: the linear estimate of
    the attribute goes from 0 to 1 and no other's moves."""
    amount: float = 1.0
    """How much of a vector is added; 1 is Larsen's."""
    tune: bool = False
    """Choose vectors and amount of each attribute on other faces than those reported."""
    seed: int = 0
    """Decides which held-out faces are used."""
    data_dir: Path | None = None
    """Where the data lie, when not where the run found them."""
    device: str = "auto"
    """Where networks compute: auto, cpu or cuda."""
    json: Path | None = None
    """Also write the rows to this file."""


@exits_cleanly
def main(args: Sequence[str] | None = None) -> None:
    """Open, edit, judge, print."""
    asked = parse(Arguments, args, prog=PROG)
    check(asked)
    from eval.experiments.attribute_vectors import Trial, examine, table
    from eval.sources.runs import open_runs

    trial = Trial(asked.faces, asked.vectors, asked.amount, asked.tune, asked.seed, asked.data_dir)
    by_run = {}
    for run in [open_runs([directory], device=asked.device)[0] for directory in asked.runs]:
        by_run[str(run.directory)] = rows = list(examine(run, trial))
        print(table(run, rows, trial))
    write_json(asked.json, {run: [asdict(row) for row in rows] for run, rows in by_run.items()})


def check(asked: Arguments) -> None:
    """Raise UsageError for what cannot be measured."""
    need_runs(asked.runs, PROG)
    unknown = [name for name in asked.vectors if name not in VECTORS]
    if unknown or not asked.vectors:
        raise impossible(f"--vectors {' '.join(unknown)}", f"use {', '.join(VECTORS)}")
    at_least(asked, faces=2, seed=0)
    devices.check(asked.device)
    require(math.isfinite(asked.amount), "amount", asked.amount, "use a finite number")
    check_writable(asked.json)


if __name__ == "__main__":
    main()
