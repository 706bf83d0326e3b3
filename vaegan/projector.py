"""`python -m vaegan.projector RUN`: held-out codes, labels and thumbnails for TensorBoard's embedding projector."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vaegan.commandline.arguments import at_least, parse
from vaegan.errors import exits_cleanly
from vaegan.machine import devices

PROG = "python -m vaegan.projector"


@dataclass(frozen=True)
class Arguments:
    """Write the codes of held-out images where TensorBoard's projector finds them, with labels and thumbnails."""

    run: Path
    """Run directory."""
    out: Path | None = None
    """Folder to write; default among the run's files, where `tensorboard --logdir runs` finds it."""
    n: int | None = None
    """Held-out images; default 2,000, or all there are."""
    seed: int = 0
    """Decides which held-out images."""
    data_dir: Path | None = None
    """Where the data lie, when not where the run found them."""
    device: str = "auto"
    """Where networks compute: auto, cpu or cuda."""


@exits_cleanly
def main(args: Sequence[str] | None = None) -> None:
    """Entry point of `python -m vaegan.projector`."""
    asked = parse(Arguments, args, prog=PROG)
    at_least(asked, n=2, seed=0)
    devices.check(asked.device)
    from vaegan.pictures import embedding

    out, n = embedding.show(asked.run, asked.out, asked.n, asked.seed, asked.data_dir, asked.device)
    print(f"wrote {n:,} codes to {out}")
    print(f"next: tensorboard --logdir {asked.out or asked.run}, then the tab Projector")


if __name__ == "__main__":
    main()
