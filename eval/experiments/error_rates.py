"""How often does the rule err when the truth is known?

Real held-out images are split at random; one half calibrates, the other, under known blur, plays the images of training
runs. Each simulated comparison draws both halves' images anew, gives every run a blur of its own, and goes the way of
a report: calibration, estimate, mean over seeds, Holm's correction, verdict.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy import stats
from torch import Tensor

from eval.blur.calibration import LADDER_IMAGES, Calibration, calibrate
from eval.blur.measures import MEASURES, PRIMARY, gaussian_blur
from eval.evidence.evidence import COMPARED
from eval.sources.held_out import halves
from eval.uncertainty import families
from eval.uncertainty.estimates import ALPHA, Estimate, over_seeds
from eval.uncertainty.simulation import UNITS, cases, hits, outcomes
from eval.uncertainty.verdicts import decide
from eval.words import markdown_table
from vaegan.data import ImageSet
from vaegan.machine.progress import Bar

NODES = tuple(round(0.1 * i, 1) for i in range(16))  # px; images are blurred by these, once, and read off in between
POPULATION = 5000  # images that are drawn from, at most
# Of the logarithm of an image's measure, between two runs' reconstructions of it: 0.09 (MNIST) and 0.22 (faces) between
# VAE/GANs of two seeds. Without it, equal runs would be equal to the bit.
IMAGE_SPREAD = 0.2
LEAST_POWER = 0.95
MORE_SEEDS = 5  # a side; readings are simulated of so many too
FAMILIES, POWER, FRESH = 25, 5, 2  # to a comparison: a false alarm is rare and cheap to draw, the others are neither
AROUND = (1.0, 0.0)  # px; at 0 a reading is a steep root of what is drawn


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


@dataclass(frozen=True)
class Design:
    """What is simulated: comparisons, runs a side, images of each, and the blur (px) of the sharper side."""

    comparisons: int
    images: int
    seeds_per_side: int
    blur: float
    seed: int


def report(images: ImageSet, design: Design, spreads: Sequence[float], difference: float) -> Iterator[str]:
    """Measure once, simulate; the table of error rates, a line at a time."""
    calibration, population = prepare(images, design.seed)
    yield (
        f"{images.name}: {design.comparisons} comparisons a figure, seeds a side: {design.seeds_per_side}, "
        f"{design.images:,} images a source (of {len(population.values):,}), blur {design.blur:g} px"
    )
    yield "| truth | spread of seeds, px | " + " | ".join(COMPARED) + " | any | goal |"
    yield "| --- " * (4 + len(COMPARED)) + "|"
    for spread in spreads:
        for more in (0.0, difference):
            yield row(spread, more, simulate(design, calibration, population, spread, more))


def of_readings(comparisons: int, seeds_per_side: int, seed: int) -> str:
    """The Markdown table of eval.uncertainty.simulation, a row a truth and a column a unit of comparison."""
    heads = ["seeds a side", "true blur, px", "spreads, px²", "what", *(f"compared in {unit}" for unit in UNITS)]
    rows: dict[tuple[str, ...], list[str]] = {}
    for case in Bar(cases(sorted({seeds_per_side, MORE_SEEDS})), "cases", leave=False):
        sides = (case.first, case.second)
        truth = " and ".join(f"{side.blur:g}" for side in sides)
        spreads = " and ".join(f"{side.spread:.3f}" for side in sides)
        key = (str(case.first.seeds), truth, spreads, "false alarms" if case.equal else "found")
        rows.setdefault(key, []).append(rate(hits(case, outcomes(case, comparisons, seed))))
    return markdown_table(heads, [[*key, *cells] for key, cells in rows.items()])


def of_families(comparisons: int, seed: int) -> str:
    """The Markdown tables of eval.uncertainty.families: false alarms of claims, how many of 10,000, and of families;
    then, at the level of a family's smallest p-value, how often a difference is found."""
    rules, rows = list(families.RULES), []
    for sides in Bar(families.equals(), "families", leave=False):
        p = families.null_p_values(sides, FAMILIES * comparisons, seed)
        claims = [f"{1e4 * families.rejected(own).mean():.1f}" for own in p]
        rows.append([*sides.named(), *claims, *(rate(families.any_rejected(own)) for own in p)])
    heads = [f"{what}: {rule}" for what in ("a claim, of 10,000", "a family") for rule in rules]
    alarms = markdown_table(["seeds", "spreads, px²", *heads], rows)
    rows = []
    for sides in Bar(families.unequals(), "power", leave=False):
        found = np.stack([families.found(sides, more, POWER * comparisons, seed) for more in families.DIFFERENCES])
        shares = 100 * found.mean(axis=2).T  # (rules, differences)
        rows.append([*sides.named(), *(" / ".join(f"{share:.0f}" for share in own) + " %" for own in shares)])
    differences = " / ".join(f"{more:g}" for more in families.DIFFERENCES)
    return f"{alarms}\n\n" + markdown_table(["seeds", "spreads, px²", *(f"{differences} px: {r}" for r in rules)], rows)


def of_fresh_pairs(comparisons: int, seed: int) -> str:
    """The Markdown table of how often one more pair of runs reads as far apart as the interval for it says."""
    rows = []
    for sides in Bar(families.equals(), "fresh pairs", leave=False):
        places = [replace(sides, around=around) for around in AROUND]
        rows.append([*sides.named(), *(rate(families.fresh_held(own, FRESH * comparisons, seed)) for own in places)])
    heads = [f"one more pair inside, around {around:g} px" for around in AROUND]
    return markdown_table(["seeds", "spreads, px²", *heads], rows)


def prepare(images: ImageSet, seed: int) -> tuple[Calibration, Population]:
    """Calibrate on one half of the held-out images and measure the other under every blur of NODES."""
    calibration, others = halves(images, POPULATION, seed)
    # Every calibration image under the whole ladder, so that they can be drawn anew together.
    ruler = calibrate(MEASURES[PRIMARY], images.images[calibration[:LADDER_IMAGES]])
    return ruler, measured(images.images[others])


def measured(images: Tensor) -> Population:
    """Measure uint8 (N, C, H, W) under every blur of NODES."""
    blurs = Bar(NODES, "measure", leave=False)
    values = [MEASURES[PRIMARY].function(gaussian_blur(images, sigma) if sigma else images) for sigma in blurs]
    return Population(torch.stack(values, dim=1).numpy())


def simulate(
    design: Design, calibration: Calibration, population: Population, spread: float, difference: float
) -> dict[str, np.ndarray]:
    """Verdicts of all comparisons in which the first side is `difference` px blurrier: outcomes (comparisons,) by kind
    of image."""
    # Both figures of a spread come from the same draws, and every comparison from its own.
    generators = [np.random.default_rng((design.seed, i)) for i in range(design.comparisons)]
    words: dict[str, list[str]] = {what: [] for what in COMPARED}
    for rng in Bar(generators, f"spread {spread:g}, difference {difference:g}", leave=False):
        ruler = redrawn(calibration, design.images, rng)
        originals = rng.integers(len(population.values), size=design.images)
        sides = [
            team(design, ruler, population, design.blur + more, spread, originals, rng) for more in (difference, 0.0)
        ]
        decisions = decide([(sides[0][what], sides[1][what]) for what in COMPARED])
        for what, verdict in zip(COMPARED, decisions, strict=True):
            words[what].append(verdict.outcome)
    return {what: np.array(said) for what, said in words.items()}


def redrawn(calibration: Calibration, images: int, rng: np.random.Generator) -> Calibration:
    """The calibration that as many other real images would have given."""
    rows = rng.integers(len(calibration.values), size=images)
    return Calibration(calibration.measure, calibration.values[rows], calibration.ladder[rows[:LADDER_IMAGES]])


def team(
    design: Design,
    ruler: Calibration,
    population: Population,
    sigma: float,
    spread: float,
    originals: np.ndarray,
    rng: np.random.Generator,
) -> dict[str, Estimate]:
    """One side: by kind of image the equivalent blur over its runs, each of which blurs by `sigma` and a bit. All runs
    reconstruct the same `originals` (n,); each samples images of its own."""
    runs: dict[str, list[Estimate]] = {what: [] for what in COMPARED}
    real = population.under(0.0, originals)
    for own in rng.normal(sigma, spread, size=design.seeds_per_side):
        noise = np.exp(rng.normal(-(IMAGE_SPREAD**2) / 2, IMAGE_SPREAD, size=len(originals)))  # of mean 1
        reconstructed = population.under(own, originals) * noise
        sampled = population.under(own, rng.integers(len(population.values), size=design.images))
        runs["reconstructions"].append(ruler.estimate(reconstructed, real))
        runs["samples"].append(ruler.estimate(sampled))
    return {what: over_seeds(estimates) for what, estimates in runs.items()}


def row(spread: float, difference: float, decided: dict[str, np.ndarray]) -> str:
    """A line of the table: false alarms where there is no difference, else how often it was found."""
    right = {what: words == "supported" if difference else words != "inconclusive" for what, words in decided.items()}
    right["any"] = np.any(list(right.values()), axis=0)
    truth = f"{difference:g} px, found" if difference else "none, supported or refuted"
    goal = f"at least {LEAST_POWER * 100:.0f} % each" if difference else f"at most {ALPHA * 100:.0f} % in any"
    cells = [truth, f"{spread:g}", *(rate(where) for where in right.values()), goal]
    return "| " + " | ".join(cells) + " |"


def rate(right: np.ndarray) -> str:
    """A share with its exact 95 % binomial interval, "1.5 % [0.6, 3.2]"."""
    test = stats.binomtest(int(right.sum()), len(right))
    low, high = test.proportion_ci(method="exact")
    return f"{100 * test.statistic:.1f} % [{100 * low:.1f}, {100 * high:.1f}]"
