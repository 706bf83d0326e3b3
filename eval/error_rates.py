"""python -m eval.error_rates [--dataset NAME | --readings]: how often does the rule err when the truth is known?

Real held-out images are split at random; one half calibrates, the other, under known blur, plays the images of training
runs. Each simulated comparison draws both halves' images anew, gives every run a blur of its own, and goes the way of
a report: calibration, estimate, mean over seeds, Holm's correction, verdict. With --readings no images are used: runs'
readings themselves are drawn, around equal and unequal blur and with unequal spreads (docs/error_rates.md).
(A composition root; nothing imports it.)
"""

import time
from dataclasses import dataclass

import numpy as np
import torch
from scipy import stats
from torch import Tensor
from tqdm import tqdm

from eval.blur.calibration import LADDER_IMAGES, Calibration, calibrate
from eval.blur.measures import MEASURES, PRIMARY, gaussian_blur
from eval.evidence.findings import COMPARED
from eval.sources.held_out import HeldOutArguments, halves
from eval.uncertainty.estimates import ALPHA, Estimate, over_seeds
from eval.uncertainty.simulation import UNITS, cases, hits, outcomes
from eval.uncertainty.verdicts import decide
from vaegan.commandline import parse
from vaegan.errors import UsageError, exits_cleanly

NODES = tuple(round(0.1 * i, 1) for i in range(16))  # px; images are blurred by these, once, and read off in between
POPULATION = 5000  # images that are drawn from, at most
# Of the logarithm of an image's measure, between two runs' reconstructions of it: 0.09 (MNIST) and 0.22 (faces) between
# VAE/GANs of two seeds. Without it, equal runs would be equal to the bit.
IMAGE_SPREAD = 0.2
LEAST_POWER = 0.95
MORE_SEEDS = 5  # a side; simulated beside --seeds-per-side


@dataclass(frozen=True)
class Arguments(HeldOutArguments):
    """Simulate comparisons of which the truth is known and print how often the verdict is wrong."""

    readings: bool = False
    """Draw readings instead of images: seconds a row, and sides that spread as a VAE and a VAE/GAN do."""
    comparisons: int = 400
    """Simulated comparisons behind each figure."""
    images: int = 1000
    """Images of each source and of the calibration, as --samples of eval/compare.py."""
    seeds_per_side: int = 3
    """Training runs on each side."""
    seed_spreads: tuple[float, ...] = (0.0, 0.01)
    """px; standard deviations between the seeds of one mode (real ones: 0.02 to 0.05 for plain VAEs; docs/blur.md)."""
    blur: float = 0.5
    """px; blur of the sharper side."""
    difference: float = 0.1
    """px; how much blurrier the other side is when there is something to find."""


@dataclass(frozen=True)
class Population:
    """Per-image measures of real images: `values` (N, len(NODES)) under known blur."""

    values: np.ndarray

    def under(self, sigma: float, rows: np.ndarray) -> np.ndarray:
        """What images `rows` (n,) measure under a blur of `sigma` px, linear in sigma^2 between nodes."""
        nodes, time = np.square(NODES), np.clip(sigma, 0, NODES[-1]) ** 2
        right = int(np.clip(np.searchsorted(nodes, time), 1, len(nodes) - 1))
        share = (time - nodes[right - 1]) / (nodes[right] - nodes[right - 1])
        return (1 - share) * self.values[rows, right - 1] + share * self.values[rows, right]


@exits_cleanly
def main() -> None:
    """Load, measure once, simulate, print."""
    arguments, begun = parse(Arguments, prog="python -m eval.error_rates"), time.monotonic()
    check(arguments)
    if arguments.readings:
        print(table_of_readings(arguments))
        return
    calibration, population = prepare(arguments)
    print(
        f"{arguments.dataset}: {arguments.comparisons} comparisons a figure, seeds a side: {arguments.seeds_per_side}, "
        f"{arguments.images:,} images a source (of {len(population.values):,}), blur {arguments.blur:g} px"
    )
    print("| truth | spread of seeds, px | " + " | ".join(COMPARED) + " | any | goal |")
    print("| --- " * (4 + len(COMPARED)) + "|")
    for spread in arguments.seed_spreads:
        for difference in (0.0, arguments.difference):
            found = simulate(arguments, calibration, population, spread, difference)
            print(row(spread, difference, found), flush=True)
    print(f"({time.monotonic() - begun:.0f} s)")


def check(arguments: Arguments) -> None:
    """Raise UsageError for arguments that cannot mean anything."""
    least = {"images": 2, "comparisons": 1, "seeds_per_side": 1, "difference": 0, "blur": 0, "seed": 0}
    for name, smallest in least.items():
        if not getattr(arguments, name) >= smallest:
            flag = f"--{name.replace('_', '-')}"
            raise UsageError(f"{flag} {getattr(arguments, name)} is not possible: use {smallest} or more")
    if not arguments.blur + arguments.difference <= NODES[-1]:
        raise UsageError(f"--blur and --difference add up to more than {NODES[-1]:g} px, the largest blur simulated")
    if not arguments.seed_spreads or not all(0 <= spread <= NODES[-1] for spread in arguments.seed_spreads):
        raise UsageError(f"--seed-spreads must be one or more numbers of px between 0 and {NODES[-1]:g}")


def table_of_readings(arguments: Arguments) -> str:
    """The Markdown table of eval.uncertainty.simulation, a row a truth and a column a unit of comparison."""
    heads = ["seeds a side", "true blur, px", "spreads, px²", "what", *(f"compared in {unit}" for unit in UNITS)]
    rows: dict[tuple, list[str]] = {}
    for case in tqdm(cases((arguments.seeds_per_side, MORE_SEEDS)), "cases", leave=False):
        sides = (case.first, case.second)
        key = (
            str(case.first.seeds),
            " and ".join(f"{side.blur:g}" for side in sides),
            " and ".join(f"{side.spread:.3f}" for side in sides),
            "false alarms" if case.equal else "found",
        )
        found = hits(case, outcomes(case, arguments.comparisons, arguments.seed))
        rows.setdefault(key, []).append(rate(found))
    lines = [heads, ["---"] * len(heads), *([*key, *cells] for key, cells in rows.items())]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def prepare(arguments: Arguments) -> tuple[Calibration, Population]:
    """Calibrate on one half of the held-out images and measure the other under every blur of NODES."""
    found = arguments.load()
    calibration, others = halves(found, POPULATION, arguments.seed)
    # Every calibration image under the whole ladder, so that they can be drawn anew together.
    ruler = calibrate(MEASURES[PRIMARY], found.images[calibration[:LADDER_IMAGES]])
    return ruler, measured(found.images[others])


def measured(images: Tensor) -> Population:
    """Measure uint8 (N, C, H, W) under every blur of NODES."""
    blurs = tqdm(NODES, "measure", leave=False)
    values = [MEASURES[PRIMARY].function(gaussian_blur(images, sigma) if sigma else images) for sigma in blurs]
    return Population(torch.stack(values, dim=1).numpy())


def simulate(
    arguments: Arguments, calibration: Calibration, population: Population, spread: float, difference: float
) -> dict[str, np.ndarray]:
    """Verdicts of all comparisons in which the first side is `difference` px blurrier: outcomes (comparisons,) by kind
    of image."""
    # Both figures of a spread come from the same draws, and every comparison from its own.
    generators = [np.random.default_rng((arguments.seed, i)) for i in range(arguments.comparisons)]
    words = {what: [] for what in COMPARED}
    for rng in tqdm(generators, f"spread {spread:g}, difference {difference:g}", leave=False):
        ruler = redrawn(calibration, arguments.images, rng)
        originals = rng.integers(len(population.values), size=arguments.images)
        sides = [
            team(arguments, ruler, population, arguments.blur + more, spread, originals, rng)
            for more in (difference, 0.0)
        ]
        found = decide([tuple(side[what] for side in sides) for what in COMPARED])
        for what, verdict in zip(COMPARED, found, strict=True):
            words[what].append(verdict.outcome)
    return {what: np.array(said) for what, said in words.items()}


def redrawn(calibration: Calibration, images: int, rng: np.random.Generator) -> Calibration:
    """The calibration that as many other real images would have given."""
    rows = rng.integers(len(calibration.values), size=images)
    return Calibration(calibration.measure, calibration.values[rows], calibration.ladder[rows[:LADDER_IMAGES]])


def team(
    arguments: Arguments,
    ruler: Calibration,
    population: Population,
    sigma: float,
    spread: float,
    originals: np.ndarray,
    rng: np.random.Generator,
) -> dict[str, Estimate]:
    """One side: by kind of image the equivalent blur over its runs, each of which blurs by `sigma` and a bit. All runs
    reconstruct the same `originals` (n,); each samples images of its own."""
    runs = {what: [] for what in COMPARED}
    real = population.under(0.0, originals)
    for own in rng.normal(sigma, spread, size=arguments.seeds_per_side):
        noise = np.exp(rng.normal(-(IMAGE_SPREAD**2) / 2, IMAGE_SPREAD, size=len(originals)))  # of mean 1
        reconstructed = population.under(own, originals) * noise
        sampled = population.under(own, rng.integers(len(population.values), size=arguments.images))
        runs["reconstructions"].append(ruler.estimate(reconstructed, real))
        runs["samples"].append(ruler.estimate(sampled))
    return {what: over_seeds(found) for what, found in runs.items()}


def row(spread: float, difference: float, found: dict[str, np.ndarray]) -> str:
    """A line of the table: false alarms where there is no difference, else how often it was found."""
    right = {what: words == "supported" if difference else words != "inconclusive" for what, words in found.items()}
    right["any"] = np.any(list(right.values()), axis=0)
    truth = f"{difference:g} px, found" if difference else "none, supported or refuted"
    goal = f"at least {LEAST_POWER * 100:.0f} % each" if difference else f"at most {ALPHA * 100:.0f} % in any"
    cells = [truth, f"{spread:g}", *(rate(where) for where in right.values()), goal]
    return "| " + " | ".join(cells) + " |"


def rate(hits: np.ndarray) -> str:
    """A share with its exact 95 % binomial interval, "1.5 % [0.6, 3.2]"."""
    found = stats.binomtest(int(hits.sum()), len(hits))
    low, high = found.proportion_ci(method="exact")
    return f"{100 * found.statistic:.1f} % [{100 * low:.1f}, {100 * high:.1f}]"


if __name__ == "__main__":
    main()
