"""python -m baselines.pca RUN: is a run's code better than the best linear one of its size?"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vaegan.commandline.arguments import parse
from vaegan.errors import exits_cleanly
from vaegan.machine import devices

PROG = "python -m baselines.pca"


@dataclass(frozen=True)
class Arguments:
    """Compare a run's reconstructions of held-out images with those of PCA at the same latent size."""

    run: Path
    """Run directory."""
    data_dir: Path | None = None
    """Where the data lie, when not where the run found them."""
    device: str = "auto"
    """Where networks compute: auto, cpu or cuda."""


@exits_cleanly
def main(args: Sequence[str] | None = None) -> None:
    """Print the errors of the run and of PCA."""
    asked = parse(Arguments, args, prog=PROG)
    devices.check(asked.device)
    from baselines import principal

    print("\n".join(principal.beside(asked.run, asked.data_dir, asked.device)))


if __name__ == "__main__":
    main()
