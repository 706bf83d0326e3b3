"""Content: what is drawn changes sharpness without any blur, so samples are also read against real images like them.

Every sample's nearest calibration images in the feature network's space say what it would measure without its blur. The
network sees blur too and would pick the blurriest real images, which hides blur: so the calibration images are first
blurred as much as the samples are (the plain reading, then the matched one), and only then matched. Matching still
leaves a sample somewhat outside its neighbours; a ridge regression on the features says what that is worth
(bias-corrected matching, Abadie and Imbens 2011). `python -m eval.content_controls` checks it on real images.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from eval.blur.calibration import CALIBRATION_SEED, Calibration
from eval.blur.measures import PRIMARY, gaussian_blur, in_chunks, smooth
from eval.evidence.evidence import Evidence
from eval.evidence.findings import difference_entry, entry, estimate
from eval.evidence.measuring import Measured
from eval.features.network import FeatureNetwork
from eval.uncertainty.estimates import MINIMAL_EFFECT, Estimate, Interval, difference_interval, resampled_means

NEIGHBOURS = 5  # from 3 to 20 the controls move by less than 0.01 px; few keep the match close
STEPS = 2  # of the fixed point; up to 1 px a third moves the controls by less than 0.01 px
GRID = 0.1  # px; blurs that calibration images are matched under, shared by runs; half a step is worth 0.01 px
RIDGE = 50.0  # images that the penalty weighs as much as: 1 % of 5,000, a third of 150, which would be overfitted
CHUNK = 1000  # rows of a distance matrix held at a time: 20 MB against 5,000 vectors


@dataclass(frozen=True)
class Matcher:
    """The calibration half as images, measure (N,) and features under any blur, which are kept."""

    calibration: Calibration
    images: Tensor = field(repr=False)
    network: FeatureNetwork = field(repr=False)
    known: dict[int, Tensor] = field(default_factory=dict, repr=False)  # by multiple of GRID

    def estimate(self, values: Tensor, features: Tensor, seed: int = 0) -> Estimate:
        """Equivalent blur in px of images that measured `values` (N,) and have `features` (N, d), relative to what
        calibration images like them measure unblurred; replicates over these images and the calibration's."""
        level, levels = self.calibration.values.mean(), resampled_means(self.calibration.values, CALIBRATION_SEED)
        reading = self.calibration.against(values, level, levels, seed)
        for _ in range(STEPS):
            if math.isnan(reading.value):  # images so unlike real ones that no level fits: nothing can be said
                break
            level, levels = self.level(features, reading.value, seed)
            reading = self.calibration.against(values, level, levels, seed)
        return reading

    def level(self, features: Tensor, sigma: float, seed: int) -> tuple[float, np.ndarray]:
        """Mean measure of unblurred real images like those of `features`, which are blurred by `sigma` px, and its
        replicates (RESAMPLES,)."""
        reference = self.features_under(sigma)
        regression = ridge(reference, self.calibration.values)
        residuals = self.calibration.values - regression(reference)
        neighbours = nearest(features, reference, NEIGHBOURS)
        matched = regression(features) + residuals[neighbours].mean(axis=1)
        uses = np.bincount(neighbours.ravel(), minlength=len(residuals)) / neighbours.size
        used = resampled_means(np.stack([uses * residuals, uses], axis=1), CALIBRATION_SEED)
        with np.errstate(invalid="ignore"):  # 0 / 0: a resample without one of the neighbours says nothing
            errors = used[:, 0] / used[:, 1] - uses @ residuals
        return float(matched.mean()), resampled_means(matched, seed) + errors

    def features_under(self, sigma: float) -> Tensor:
        """Features of the calibration images blurred by `sigma` px, to the nearest multiple of GRID; sharpened where it
        is negative, up to the ends of the calibrated range."""
        step = round(float(np.clip(sigma, *self.calibration.limits)) / GRID)
        if step not in self.known:
            self.known[step] = self.network.features(under_blur(self.images, step * GRID))
        return self.known[step]


def under_blur(images: Tensor, sigma: float) -> Tensor:
    """uint8 images blurred by `sigma` px, or by its inverse where negative; what leaves black and white is cut off."""
    if sigma >= 0:
        return gaussian_blur(images, sigma) if sigma else images
    return in_chunks(images, lambda chunk: smooth(chunk.double(), sigma).round_().clamp_(0, 255).byte())


def nearest(features: Tensor, reference: Tensor, count: int) -> np.ndarray:
    """Rows of `reference` (M, d) nearest to each of `features` (N, d): (N, min(count, M))."""
    centre = reference.mean(dim=0)  # distances by matrix products lose digits far from 0
    features, reference = features - centre, reference - centre
    count = min(count, len(reference))
    rows = [torch.cdist(part, reference).topk(count, largest=False).indices for part in features.split(CHUNK)]
    return torch.cat(rows).numpy()


def ridge(features: Tensor, values: np.ndarray) -> Callable[[Tensor], np.ndarray]:
    """The function (N, d) -> (N,) that predicts `values` (M,) from `features` (M, d) linearly."""
    x = features.double().numpy()
    mean = x.mean(axis=0)
    covariance = (x - mean).T @ (x - mean) / len(x)
    penalty = RIDGE / len(x) * np.trace(covariance) / len(mean) + np.finfo(np.float64).tiny
    slope = np.linalg.solve(covariance + penalty * np.eye(len(mean)), (x - mean).T @ (values - values.mean()) / len(x))
    return lambda other: values.mean() + (other.double().numpy() - mean) @ slope


def matcher(evidence: Evidence) -> Matcher:
    """The evidence's calibration half, its unblurred features known already."""
    return Matcher(
        evidence.calibrations[PRIMARY], evidence.held_out.calibration, evidence.network, {0: evidence.reference}
    )


def describe(evidence: Evidence) -> dict:
    """The part of report.json about content: plain and matched readings of every run's prior samples."""
    match = matcher(evidence)
    few = evidence.too_few
    rows = [row(evidence, match, m) for m in evidence.of("samples")]
    rows = [{**row, "disagree": None} for row in rows] if few else rows
    said = f"No comparison: {few[0]}." if few else sentence(rows)
    return {"rows": rows, "sentence": said, "protocol": protocol(evidence)}


def row(evidence: Evidence, match: Matcher, m: Measured) -> dict:
    """One source of samples, read plainly and against real images like them."""
    plain = estimate(evidence, m, PRIMARY)
    matched = match.estimate(m.values[PRIMARY], m.seen[1], evidence.seed)
    difference = difference_interval(plain, matched)
    pixels = evidence.calibrations[PRIMARY].pixels
    return {
        "run": m.source.run,
        "title": m.source.title,
        "plain": entry(plain.interval, pixels),
        "matched": entry(matched.interval, pixels),
        "difference": difference_entry(difference),
        "disagree": disagree(difference),
    }


def disagree(difference: Interval) -> bool:
    """Whether content explains a part of the plain reading that counts: at least MINIMAL_EFFECT, 0 excluded."""
    return not difference.low <= 0 <= difference.high and abs(difference.value) >= MINIMAL_EFFECT


def sentence(rows: list[dict]) -> str:
    """Where the two readings disagree, in words."""
    apart = [r for r in rows if r["disagree"]]
    if not apart:
        return "Plain and content-matched readings agree: what the samples show does not explain how sharp they are."
    figures = "; ".join(f"{r['title']}: plain {r['plain']['text']}, matched {r['matched']['text']}" for r in apart)
    return f"Plain and content-matched readings disagree: {figures}. There, part of the plain reading is what is drawn."


def protocol(evidence: Evidence) -> str:
    """How the matched readings were made."""
    count = len(evidence.held_out.calibration)
    other = "" if evidence.network_is_own else f", a network made for other images than {evidence.held_out.dataset}"
    return (
        f"Each sample against its {min(NEIGHBOURS, count)} nearest of {count:,} held-out images of the calibration "
        f"half in features of {evidence.network.name}{other}; these are blurred as much as the samples before they are "
        "matched, and what matching leaves is corrected by ridge regression. Plain and matched disagree when the "
        f"difference is at least {MINIMAL_EFFECT:g} px and its 95 % interval excludes 0."
    )
