"""python -m eval.distance_controls --dataset NAME: do distances grow as real images are made worse step by step?"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from eval.sources.asked import HeldOutArguments
from vaegan.commandline.arguments import at_least, parse, require
from vaegan.errors import exits_cleanly
from vaegan.machine import devices
from vaegan.storage.writing import check_writable

PROG = "python -m eval.distance_controls"


@dataclass(frozen=True)
class Arguments(HeldOutArguments):
    """Print every distance of real images that are blurred, noisy, incomplete or repeated on purpose."""

    images: int = 5000
    """Images of each condition, at most what is left when five kinds are missing."""
    features: str = "auto"
    """Extractor, as for `vaegan distances`."""
    device: str = "auto"
    """Where the feature network computes: auto, cpu or cuda."""
    counts: tuple[int, ...] = ()
    """Instead: of so many random images a side, out of --images, how often is each step of damage noticed at all?"""
    json: Path | None = None
    """Also write every number with its whole protocol to this file."""


@exits_cleanly
def main(args: Sequence[str] | None = None) -> None:
    """Measure, print, and say what does not make sense: exit code 1 if anything does not."""
    asked = parse(Arguments, args, prog=PROG)
    at_least(asked, images=2, seed=0)
    devices.check(asked.device)
    check_writable(asked.json)
    if asked.counts:
        require(min(asked.counts) >= 3, "counts", asked.counts, "an interval needs 3 images or more")
    from eval.experiments import distance_controls, resolution
    from eval.features import choice

    train = asked.load("train")
    extractor = choice.choose(asked.features, train)[0].to(devices.own(asked.device))
    if asked.counts:
        print(resolution.report(asked.load(), extractor, asked.counts, asked.images, asked.seed))
    else:
        distance_controls.run(asked.load(), train, extractor, asked.images, asked.seed, asked.json)


if __name__ == "__main__":
    main()
