"""Is a run healthy? Diversity, repeated images, grain and speckle, the discriminator's state: one row a run."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor

from eval import words
from eval.blur.audits import AUDITS
from eval.distances.neighbours import mean_pairwise_distance, nearest_pair
from eval.evidence.measuring import MAPPED
from eval.features.choice import network_for
from eval.features.network import FeatureNetwork
from eval.sources.held_out import drawn_set
from eval.sources.runs import Run, load_split, open_runs, reconstructions
from vaegan.data import ImageSet
from vaegan.errors import UserError
from vaegan.storage import metrics

MIN_DIVERSITY = 0.7  # mean pairwise distance among samples in the 8x8 maps, relative to real images
MIN_NEAREST = 0.4  # nearest pair among 64 samples, relative to the nearest pair among 64 real images
BLIND, CERTAIN = 0.02, 0.95  # Dis's mean probability for real minus that for fakes, over the last tenth of the log
GRID = 64  # images a person sees in one grid, where nothing may be repeated
MOST_PAIRED = MAPPED  # images whose pairs are looked at: half a million pairs
FAKES = ("dis/reconstruction", "dis/prior")


@dataclass(frozen=True)
class Grain:
    """An audit that health judges: the mean over samples at most MOST_GRAIN times that over real images.

    `unseen` is added to both: what nobody sees is no grain, where real images have none at all.
    """

    audit: str
    words: str
    unseen: float
    of_colour: bool = False


MOST_GRAIN = 2.0
GRAINS = {
    "nyquist": Grain("nyquist_power", "grain or checkerboard: power near Nyquist", 0.0),
    "colour_nyquist": Grain("colour_nyquist_power", "colour grain: power near Nyquist in colour", 2e-5, of_colour=True),
    "speckle": Grain("speckle", "speckle on flat parts:", 5e-3),
    "colour_speckle": Grain("colour_speckle", "coloured speckle on flat parts:", 5e-3, of_colour=True),
}
JUDGED_AUDITS = tuple(grain.audit for grain in GRAINS.values())
FIGURES = (  # title, name in Health, limit: the columns of a table
    ("diversity", "diversity", f">={MIN_DIVERSITY}"),
    ("semantic", "semantic_diversity", ""),
    ("nearest", "nearest", f">={MIN_NEAREST}"),
    *((name.replace("_", " "), name, f"<={MOST_GRAIN:g}") for name in GRAINS),
)


@dataclass(frozen=True)
class Health:
    """What was found in one run; ratios are relative to real held-out images, None where it does not apply."""

    diversity: float  # in the feature network's 8x8 maps: what is where
    semantic_diversity: float  # in its last features, also lowered by attributes that are drawn unclearly; not judged
    nyquist: float | None  # these four by GRAINS; None: of the colour of grey images
    colour_nyquist: float | None
    speckle: float | None
    colour_speckle: float | None
    nearest: float
    gap: float | None  # Dis: p(real) - p(fake); None without a discriminator
    p_real: float | None
    p_fake: float | None
    losses_finite: bool
    reasons: tuple[str, ...]  # empty: healthy

    @property
    def verdict(self) -> str:
        return "unhealthy" if self.reasons else "healthy"


@dataclass(frozen=True)
class Look:
    """What health is judged by in one set of images; rows beyond MOST_PAIRED of maps and features are not used."""

    audits: Mapping[str, Tensor]  # at least JUDGED_AUDITS: (N,) each
    maps: Tensor  # FeatureNetwork.maps, (M, d)
    features: Tensor  # FeatureNetwork.features, (M, d)
    channels: int = 3


def look(images: Tensor, network: FeatureNetwork) -> Look:
    """Look at uint8 (N, C, H, W)."""
    some = images[:MOST_PAIRED]
    return Look(audited(images), network.maps(some), network.features(some), images.shape[1])


def audited(images: Tensor) -> dict[str, Tensor]:
    """The audits that health judges, of uint8 (N, C, H, W): (N,) each."""
    return {name: AUDITS[name].function(images) for name in JUDGED_AUDITS}


def examine(
    samples: Look, real: Look, metrics: Sequence[dict], reconstructions: Mapping[str, Tensor] | None = None
) -> Health:
    """Judge a run by its prior samples, real images, its metrics.jsonl rows and the audits of its reconstructions, of
    which only grain beyond the limit is said: grain may be in them alone."""
    diversity = _ratio(spread(samples.maps), spread(real.maps))
    semantic = _ratio(spread(samples.features), spread(real.features))
    nearest = _ratio(nearest_in_grids(samples.features), nearest_in_grids(real.features))
    grains = grain_ratios(samples.audits, real)
    finite = losses_finite(metrics)
    p_real, p_fake = discriminator_state(metrics)
    gap = None if p_real is None or p_fake is None else p_real - p_fake
    behind = _grainy(grain_ratios(reconstructions, real)) if reconstructions else []
    said = (*_grainy(grains), *(f"reconstructions: {reason}" for reason in behind))
    reasons = (*_reasons(diversity, semantic, nearest, gap, finite), *said)
    return Health(
        diversity=diversity,
        semantic_diversity=semantic,
        nearest=nearest,
        gap=gap,
        p_real=p_real,
        p_fake=p_fake,
        losses_finite=finite,
        reasons=reasons,
        **grains,
    )


def grain_ratios(audits: Mapping[str, Tensor], real: Look) -> dict[str, float | None]:
    """How much grain images of these audits have, relative to real ones, by GRAINS; None for the colour of grey."""
    return {
        name: None if grain.of_colour and real.channels == 1 else _grain_ratio(grain, audits, real.audits)
        for name, grain in GRAINS.items()
    }


def _grain_ratio(grain: Grain, audits: Mapping[str, Tensor], real: Mapping[str, Tensor]) -> float:
    return _ratio(*(float(one[grain.audit].mean()) + grain.unseen for one in (audits, real)))


def _grainy(grains: Mapping[str, float | None]) -> list[str]:
    return [
        f"{GRAINS[name].words} {ratio:.2f} > {MOST_GRAIN:g}"
        for name, ratio in grains.items()
        if ratio is not None and not ratio <= MOST_GRAIN  # NaN is no health
    ]


def spread(vectors: Tensor) -> float:
    """Mean pairwise distance of (N, d), over at most MOST_PAIRED rows."""
    return mean_pairwise_distance(vectors[:MOST_PAIRED])


def _reasons(diversity: float, semantic: float, nearest: float, gap: float | None, finite: bool) -> list[str]:
    checks = (
        (finite, "a loss is not finite"),
        (math.isfinite(semantic), "features of samples are not finite"),
        (diversity >= MIN_DIVERSITY, f"samples too alike: diversity {diversity:.2f} < {MIN_DIVERSITY}"),
        (nearest >= MIN_NEAREST, f"repeated images: nearest pair {nearest:.2f} < {MIN_NEAREST}"),
        (gap is None or gap >= BLIND, f"discriminator blind: p(real) - p(fake) = {gap or 0:.3f} < {BLIND}"),
        (gap is None or gap <= CERTAIN, f"discriminator certain: p(real) - p(fake) = {gap or 0:.3f} > {CERTAIN}"),
    )
    return [reason for ok, reason in checks if not ok]  # NaN fails every comparison, so it is unhealthy


def _ratio(value: float, reference: float) -> float:
    return value / reference if reference > 0 else math.nan


def nearest_in_grids(features: Tensor) -> float:
    """Distance of the nearest pair among 64 of (N, d) vectors, averaged over the groups of 64: one group is luck."""
    grids = features[:MOST_PAIRED].split(GRID)
    whole = [grid for grid in grids if len(grid) == GRID] or [features]
    return sum(nearest_pair(grid)[0] for grid in whole) / len(whole)


def losses_finite(metrics: Sequence[dict]) -> bool:
    """Whether every "terms/..." and "losses/..." value that was ever logged is a finite number."""
    values = [value for row in metrics for key, value in row.items() if key.startswith(("terms/", "losses/"))]
    return all(isinstance(value, (int, float)) and math.isfinite(value) for value in values)


def discriminator_state(metrics: Sequence[dict]) -> tuple[float | None, float | None]:
    """Dis's mean probability for (real, fake) over the last tenth of the log; (None, None) without a discriminator."""
    rows = [row for row in metrics if row.get("dis/real") is not None]
    rows = rows[-max(1, len(rows) // 10) :]
    fakes = [row[key] for row in rows for key in FAKES if row.get(key) is not None]
    if not fakes:
        return None, None
    return sum(row["dis/real"] for row in rows) / len(rows), sum(fakes) / len(fakes)


def examine_run(
    directory: Path, count: int = 512, seed: int = 0, data_dir: Path | None = None, device: str = "cpu"
) -> dict:
    """Open a run, draw `count` prior samples and as many held-out images, and return its row for the table."""
    (run,) = open_runs([directory], device=device)
    held_out = load_split(run, "test", data_dir)
    chosen = drawn_set(held_out, count, seed)
    real = chosen.images
    if len(real) < 2:
        raise UserError(f"{run.config.dataset} has {len(real)} held-out image(s); health needs at least 2")
    samples = run.model.sample(len(real), seed=seed)
    network = network_for(held_out)[0].to(run.device)
    behind = reconstructed(run, chosen)
    health = examine(look(samples, network), look(real, network), metrics.read(run.directory), behind)
    return {
        "run": str(directory),
        "mode": run.config.mode,
        "step": run.model.step,
        **asdict(health),
        "verdict": health.verdict,
        "features": network.name,
        "images": len(real),
    }


def reconstructed(run: Run, images: ImageSet) -> dict[str, Tensor] | None:
    """The audits of a run's reconstructions of images; None where it has no encoder."""
    if not run.model.has_encoder:
        return None
    return audited(torch.cat([*reconstructions(run, images.images, images.labels).batches()]))


def table(rows: Sequence[dict]) -> str:
    """The rows as aligned text, one run a line, with the thresholds in the heading."""
    head = ("run", "step", "finite", *(f"{name}{limit}" for name, _, limit in FIGURES))
    head += ("p(real)", "p(fake)", f"gap {BLIND}..{CERTAIN}", "verdict")
    cells = [
        (
            Path(row["run"]).name,
            str(row["step"]),
            "yes" if row["losses_finite"] else "NO",
            *(_number(row[key]) for key in (*(key for _, key, _ in FIGURES), "p_real", "p_fake", "gap")),
            "; ".join((row["verdict"], *row["reasons"])),
        )
        for row in rows
    ]
    names = sorted({row["features"] for row in rows})
    return "\n".join(
        [words.table(head, cells), f"features: {', '.join(names)}; ratios to {rows[0]['images']} real held-out images"]
    )


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
