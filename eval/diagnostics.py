"""python -m eval.diagnostics RUN [RUN ...]: what a VAE's bound, its code and its prior look like."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vaegan.commandline.arguments import at_least, need_runs, parse
from vaegan.errors import exits_cleanly
from vaegan.machine import devices
from vaegan.storage.writing import check_writable, write_json

PROG = "python -m eval.diagnostics"


@dataclass(frozen=True)
class Arguments:
    """Print each run's bounds, active units and the distance of its aggregated posterior from the prior."""

    runs: tuple[Path, ...]
    """Run directories of one data set and size."""
    images: int = 2000
    """Held-out images for the ELBO and everything about the code."""
    bound_images: int = 64
    """Of these, images for importance-weighted bounds: 512 draws each."""
    seed: int = 0
    """Decides images and draws."""
    data_dir: Path | None = None
    """Where the data lie, when not where the runs found them."""
    device: str = "auto"
    """Where networks compute: auto, cpu or cuda."""
    json: Path | None = None
    """Also write rows and protocol here."""


@exits_cleanly
def main(args: Sequence[str] | None = None) -> None:
    """Open, measure, print."""
    asked = parse(Arguments, args, prog=PROG)
    need_runs(asked.runs, PROG)
    at_least(asked, images=2, bound_images=2, seed=0)
    devices.check(asked.device)
    check_writable(asked.json)
    from eval.evidence import bounds

    value = bounds.of_runs(asked.runs, asked.images, asked.bound_images, asked.seed, asked.data_dir, asked.device)
    print(bounds.table(value))
    write_json(asked.json, value)


if __name__ == "__main__":
    main()
