"""The rate-matched verdict: is a linear VAE whose codes hold as many nats as a run's blurrier than the run?

Nats buy sharpness: a VAE/GAN whose code holds six times those of the plain VAE would be sharper without any adversary.
What is left at equal rate is what the network and the adversary add.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from eval.blur.measures import PRIMARY
from eval.evidence import claims
from eval.evidence.effects import effect
from eval.evidence.evidence import Evidence
from eval.evidence.rate_blur import Opponent
from eval.evidence.replicates import judged, of_team
from eval.sources.runs import Run
from eval.uncertainty.estimates import Estimate, mean_of, over_seeds
from eval.uncertainty.verdicts import Verdict, decide


@dataclass(frozen=True)
class Hypothesis:
    """Declared with the plain claim, of each team that the claim is made against: a linear VAE at its rate is blurrier
    than it."""

    what: str
    name: str
    team: Sequence[Run]

    def __str__(self) -> str:
        return f"{self.what}: a linear VAE at the rate of the {self.name} is blurrier than it"


def declared(evidence: Evidence, against: Mapping[str, Opponent]) -> list[Hypothesis]:
    """One for each sharper side of the plain hypotheses that has a rate in every run, however many it stands in."""
    rivals = {(claim.what, claim.names[1]): claim.teams[1] for claim in claims.declared(evidence)}
    return [Hypothesis(*key, team) for key, team in rivals.items() if all(run.label in against for run in team)]


def verdicts(evidence: Evidence, against: Mapping[str, Opponent], instrument_ok: bool) -> list[dict]:
    """One row for each declared hypothesis, as `claims.verdicts` gives them; corrected among themselves."""
    hypotheses = declared(evidence, against)
    sides = [(linear(against, h), judged(evidence, h.what, h.team)) for h in hypotheses]
    rows = [_row(evidence, against, *row) for row in zip(hypotheses, sides, decide(sides), strict=True)]
    rows = [claims.withhold(row, evidence.too_few) for row in rows]
    return rows if instrument_ok else [{**row, "verdict": claims.FAILED} for row in rows]


def linear(against: Mapping[str, Opponent], hypothesis: Hypothesis) -> Estimate:
    """What linear VAEs at the rates of a team's runs read, over its seeds: one for each seed."""
    by_seed: dict[int, list[Estimate]] = {}
    for run in hypothesis.team:
        by_seed.setdefault(run.config.seed, []).append(against[run.label].estimates[hypothesis.what])
    return over_seeds([mean_of(own) for own in by_seed.values()])


def _row(
    evidence: Evidence,
    against: Mapping[str, Opponent],
    hypothesis: Hypothesis,
    sides: tuple[Estimate, Estimate],
    decided: Verdict,
) -> dict:
    name, pixels = hypothesis.name, evidence.calibrations[PRIMARY].pixels
    own = of_team(evidence, hypothesis.what, hypothesis.team)
    pairs = [(against[str(m.source.run)].values[hypothesis.what], m.values[PRIMARY]) for m in own]
    nats = fmean(against[run.label].rate for run in hypothesis.team)
    names = (f"linear VAE of {nats:.0f} nats", name)
    return {
        "what": hypothesis.what,
        "title": f"{hypothesis.what.capitalize()}: {names[0]} against {name}",
        "claim": f"the claim that a {names[0]} is blurrier than the {name}, whose code holds as many",
        **claims.found(names, sides, decided, pixels),
        "runs": [[], [run.label for run in hypothesis.team]],
        "effect": effect(pairs, hypothesis.what == "reconstructions"),
    }
