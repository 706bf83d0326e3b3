"""python -m eval.error_rates [--dataset NAME | --readings]: how often does the rule err when the truth is known?"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from eval.sources.asked import HeldOutArguments
from vaegan.commandline.arguments import at_least, parse
from vaegan.errors import UsageError, exits_cleanly

LARGEST = 1.5  # px; the largest blur simulated
PROG = "python -m eval.error_rates"


@dataclass(frozen=True)
class Arguments(HeldOutArguments):
    """Simulate comparisons of which the truth is known and print how often the verdict is wrong."""

    readings: bool = False
    """Draw runs' readings instead of images, around sides that spread as a VAE and a VAE/GAN do, whole families of
    claims, and one more pair of runs."""
    comparisons: int = 400
    """Simulated comparisons behind each figure."""
    images: int = 1000
    """Images of each source and of the calibration, as --samples of `vaegan compare`."""
    seeds_per_side: int = 3
    """Training runs on each side."""
    seed_spreads: tuple[float, ...] = (0.0, 0.01)
    """px; standard deviations between the seeds of one mode (real ones: 0.02 to 0.05 for plain VAEs; docs/blur.md)."""
    blur: float = 0.5
    """px; blur of the sharper side."""
    difference: float = 0.1
    """px; how much blurrier the other side is when there is something to find."""


@exits_cleanly
def main(args: Sequence[str] | None = None) -> None:
    """Load, measure once, simulate, print."""
    asked, begun = parse(Arguments, args, prog=PROG), time.monotonic()
    check(asked)
    from eval.experiments import error_rates

    if asked.readings:
        print(error_rates.of_readings(asked.comparisons, asked.seeds_per_side, asked.seed), flush=True)
        print(f"\n{error_rates.of_families(asked.comparisons, asked.seed)}", flush=True)
        print(f"\n{error_rates.of_fresh_pairs(asked.comparisons, asked.seed)}")
        return
    design = error_rates.Design(asked.comparisons, asked.images, asked.seeds_per_side, asked.blur, asked.seed)
    for line in error_rates.report(asked.load(), design, asked.seed_spreads, asked.difference):
        print(line, flush=True)
    print(f"({time.monotonic() - begun:.0f} s)")


def check(asked: Arguments) -> None:
    """Raise UsageError for arguments that cannot mean anything."""
    at_least(asked, images=2, comparisons=1, seeds_per_side=1, difference=0, blur=0, seed=0)
    if not asked.blur + asked.difference <= LARGEST:
        raise UsageError(f"--blur and --difference add up to more than {LARGEST:g} px, the largest blur simulated")
    if not asked.seed_spreads or not all(0 <= spread <= LARGEST for spread in asked.seed_spreads):
        raise UsageError(f"--seed-spreads must be one or more numbers of px between 0 and {LARGEST:g}")


if __name__ == "__main__":
    main()
