"""Which runs are replicates of each other, and what they read together: the seed is the unit of replication."""

import math
from collections.abc import Sequence
from statistics import fmean

import numpy as np

from eval.blur.measures import PRIMARY
from eval.evidence.evidence import Evidence
from eval.evidence.measuring import Measured
from eval.evidence.steadiness import deviation
from eval.sources.runs import OBJECTIVES, Run
from eval.uncertainty.estimates import Estimate, mean_of, over_seeds
from vaegan.config import EXECUTION
from vaegan.config_json import to_dict

BLANK_SHARE = 0.5  # of a run's images; above it they show nothing that could be blurred or sharp


def kind(run: Run) -> dict[str, object]:
    """What must agree between replicates: every setting but the seed and where and how a run executes, and the update
    at which it stands. The discriminator of vae-disl is one of each seed's own."""
    settings = {name: value for name, value in to_dict(run.config).items() if name not in {*EXECUTION, "seed"}}
    discriminator = str(settings.get("discriminator")).replace(f"-s{run.config.seed}", "")
    return settings | {"discriminator": discriminator, "update": run.model.step}


def teams(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """Runs that stand for one thing, by its title: those that differ in nothing but the seed; each run for itself where
    all are of one kind."""
    kinds = replicates(runs)
    return {run.title: [run] for run in runs} if len(kinds) == 1 else kinds


def replicates(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """Runs of one kind, in order of appearance, by a title that names what sets kinds of one mode apart."""
    kinds: list[list[Run]] = []
    for run in runs:
        team = next((team for team in kinds if kind(team[0]) == kind(run)), None)
        kinds.append([run]) if team is None else team.append(run)
    return {title(team[0], [other[0] for other in kinds]): team for team in kinds}


def title(run: Run, others: Sequence[Run]) -> str:
    """The run's mode and, where `others` of its mode differ from it, their differing settings: "VAE, beta 8.0"."""
    rivals = [kind(other) for other in others if other.config.mode == run.config.mode]
    own = kind(run)
    apart = [name for name in own if any(rival[name] != own[name] for rival in rivals)]
    return ", ".join([OBJECTIVES[run.config.mode].title, *(f"{name.replace('_', ' ')} {own[name]}" for name in apart)])


def of_team(evidence: Evidence, what: str, team: Sequence[Run]) -> list[Measured]:
    """The measured images of one kind that a team has, a source a run."""
    labels = {run.label for run in team}
    return [m for m in evidence.of(what) if m.source.run in labels]


def readings(evidence: Evidence, what: str, team: Sequence[Run]) -> dict[int, Estimate]:
    """Every seed's one reading by the primary measure: snapshots of a run are no replicates, nor are two runs of one
    seed, whose mean it is."""
    by_seed: dict[int, list[Estimate]] = {}
    for run in team:
        own = [evidence.reading(m)[0] for m in of_team(evidence, what, [run])]
        by_seed.setdefault(run.config.seed, []).extend(own)
    return {seed: mean_of(own) for seed, own in by_seed.items() if own}


def over_runs(evidence: Evidence, what: str, team: Sequence[Run]) -> Estimate | None:
    """A team's equivalent blur by the primary measure, over its seeds; None when none of them has such images."""
    by_seed = readings(evidence, what, team)
    return over_seeds([*by_seed.values()]) if by_seed else None


def steadiness(evidence: Evidence, what: str, team: Sequence[Run]) -> dict[str, float | int | None]:
    """Of how many snapshots a run's reading is the mean, and standard deviations in px^2, within runs (their mean) and
    over seeds; None of one, and where one is beyond the calibrated range."""
    own = of_team(evidence, what, team)
    within = fmean(evidence.reading(m)[1] for m in own)
    seeds = deviation([math.copysign(e.value**2, e.value) for e in readings(evidence, what, team).values()])
    return {
        "snapshots": max(1, *(len(evidence.of_snapshots(m)) for m in own)),
        "snapshot_spread": within if math.isfinite(within) else None,
        "seed_spread": seeds if math.isfinite(seeds) else None,
    }


def judged(evidence: Evidence, what: str, team: Sequence[Run]) -> Estimate:
    """A team's equivalent blur as the rule sees it: that of blank images is unknown, however far beyond it reads."""
    reading = over_runs(evidence, what, team)
    assert reading is not None, "a hypothesis is declared of teams that have images"
    if not blank(evidence, what, team):
        return reading
    return Estimate(reading.value, np.full_like(reading.replicates, math.nan), reading.seeds, scale=reading.scale)


def blank(evidence: Evidence, what: str, team: Sequence[Run]) -> list[str]:
    """Titles of a team's sources whose images are mostly of one flat grey, as a collapsed decoder's are."""
    return [
        m.source.title
        for m in of_team(evidence, what, team)
        if float((m.values[PRIMARY] == 0).double().mean()) > BLANK_SHARE
    ]


def beyond(evidence: Evidence, what: str, team: Sequence[Run]) -> str:
    """How many of a team's runs lie beyond the calibrated range, where that is some but not all of them."""
    outside = [math.isinf(evidence.reading(m)[0].value) for m in of_team(evidence, what, team)]
    return f" (in {sum(outside)} of {len(outside)} runs)" if any(outside) and not all(outside) else ""


def doubled(team: Sequence[Run]) -> str:
    """A remark on seeds that a team has more than once, or nothing."""
    seeds = [run.config.seed for run in team]
    twice = sorted({seed for seed in seeds if seeds.count(seed) > 1})
    return f"seed {', '.join(map(str, twice))} more than once counts as one" if twice else ""
