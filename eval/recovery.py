"""python -m eval.recovery --dataset NAME: does the instrument find the blur that was put there on purpose?"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from eval.sources.asked import HeldOutArguments
from vaegan.commandline.arguments import at_least, parse
from vaegan.errors import exits_cleanly

PROG = "python -m eval.recovery"


@dataclass(frozen=True)
class Arguments(HeldOutArguments):
    """Blur held-out real images by known sigmas and print what every measure reads."""

    images: int = 2000
    """Images of each half, at most half of the held-out ones."""
    splits: int = 0
    """Also split as many images as both halves have at random, so many times, and count the unpaired intervals that
    hold the blur that is there, and the halves without any in which an audit finds something."""


@exits_cleanly
def main(args: Sequence[str] | None = None) -> None:
    """Load, calibrate, read, print."""
    asked, begun = parse(Arguments, args, prog=PROG), time.monotonic()
    at_least(asked, images=2, splits=0, seed=0)
    from eval.experiments import recovery

    print(recovery.report(asked.load(), asked.images, asked.splits, asked.seed), f"({time.monotonic() - begun:.0f} s)")


if __name__ == "__main__":
    main()
