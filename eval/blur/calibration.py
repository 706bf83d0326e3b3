"""From a measure to pixels: real images under known blur give a curve, and a source is read off it as sigma_eq.

sigma_eq of a source is the sigma at which blurred real images have the same mean measure, relative to unblurred ones.
The mean, because every image counts, also a flat one; medians repeat no better on real data (docs/blur.md).
"""

import functools
import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import PchipInterpolator
from torch import Tensor

from eval.blur.measures import Measure, check_images, measured
from eval.uncertainty.estimates import Estimate, checked, resampled_means
from eval.uncertainty.spread import Scale
from vaegan.errors import UserError

# px. A negative one is the inverse filter: images at -0.5 are those that a blur of 0.5 turns into real ones.
SHARPER = (-1.0, -0.85, -0.7, -0.55, -0.4, -0.25)
BLURRIER = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.95, 1.1, 1.3, 1.6, 2.0, 2.5, 3.0, 4.0, 5.0)
SIGMAS = (*SHARPER, 0.0, *BLURRIER)
REAL = SIGMAS.index(0.0)
LADDER_IMAGES = 1000  # images blurred at every sigma; only the curve's shape depends on them, its level on all images
AUDIT_FACTOR = 1.5  # times what real images have; the slack is what nobody sees: grain or checkerboard of about 0.01
AUDIT_SLACK = {"nyquist_power": 2e-4, "noise_estimate": 5e-3, "checkerboard_index": 5e-3} | {
    "colour_nyquist_power": 2e-4,
    "speckle": 5e-3,
    "colour_speckle": 5e-3,
}
SURE = 1.959964  # standard errors: the ends of a 95 % interval
ROUNDING = 1e-9  # below this a measure, or a distance on its logarithmic curve, is floating-point dust
PAIRS_SEED = 0  # of an estimate's resamples
CALIBRATION_SEED = 1  # of the calibration's own resamples: not a report's, which start at 0
FEWEST_ON_LADDER = 16  # images of a ladder from which a curve, or what other images would be on it, can be told


@dataclass(frozen=True)
class Calibration:
    """A measure's curve over known blur on held-out real images, and its inverse.

    `values` (N,) are those of the unblurred images, `ladder` (M, len(SIGMAS)) those of some of them under each sigma;
    `seed` says which resamples of the ladder show the curve's error.
    """

    measure: Measure
    values: np.ndarray = field(repr=False)
    ladder: np.ndarray = field(repr=False)
    seed: int = CALIBRATION_SEED

    @property
    def limits(self) -> tuple[float, float]:
        """The calibrated range in px: sigmas around 0 over which the measure is strictly monotone."""
        return SIGMAS[self._run.start], SIGMAS[self._run.stop - 1]

    @property
    def curve(self) -> dict[str, list[float]]:
        """The nodes, for plots: "sigma" in px and "value", the mean measure of real images under that blur."""
        return {"sigma": list(SIGMAS), "value": [self.value_at(sigma) for sigma in SIGMAS]}

    def value_at(self, sigma: float) -> float:
        """Mean measure of real images under a blur of `sigma` px, held constant beyond the ladder."""
        sigma = min(max(sigma, SIGMAS[0]), SIGMAS[-1])
        return float(self._level * PchipInterpolator(_time(SIGMAS), self.ladder.mean(axis=0))(_time(sigma)))

    def sigma_eq(self, values: ArrayLike, originals: ArrayLike | None = None) -> float:
        """Equivalent blur in px of a source that measured `values` (N,): negative is sharper than real images.

        With `originals` (N,), the measure of the real image behind each of the source's, content cancels. inf (-inf):
        blurrier (sharper) than the calibrated range; write such values with `pixels`.
        """
        reference = self.values if originals is None else _paired(values, originals)
        return float(self._invert(_log_ratio(checked(values).mean(), reference.mean())))

    def estimate(self, values: ArrayLike, originals: ArrayLike | None = None, seed: int = 0) -> Estimate:
        """`sigma_eq` with bootstrap replicates over the source's images and the calibration's."""
        if originals is None:
            return self.against(values, self.values.mean(), resampled_means(self.values, CALIBRATION_SEED), seed)
        reference = _paired(values, originals)
        return self.against(values, reference.mean(), resampled_means(reference, seed), seed)

    def of_pairs(self, values: np.ndarray, originals: np.ndarray) -> "Calibration":
        """The calibration of the very `originals` (N,) of images that measured `values` (N,): content cancels in the
        curve too, and a blur is read without error, whichever images the ladder has.

        With fewer than FEWEST_ON_LADDER of them on the ladder, and not all, it stays as it is. An original is known by
        its value, which no other image has unless both are flat.
        """
        ladder = self.ladder[np.argsort(self.ladder[:, REAL])]
        at = np.searchsorted(ladder[:, REAL], originals).clip(max=len(ladder) - 1)
        on = ladder[at, REAL] == originals
        if not on.all() and len(np.unique(at[on])) < FEWEST_ON_LADDER:
            return self
        pairs = np.stack([np.ones_like(values), originals, values], axis=1)
        theirs = ladder[at] if on.all() else _foretold(pairs, on, ladder[at[on]])
        return Calibration(self.measure, originals, theirs, seed=PAIRS_SEED)

    def against(self, values: ArrayLike, level: float, levels: ArrayLike, seed: int = 0) -> Estimate:
        """Equivalent blur relative to any `level`, the mean measure that the source's images would have unblurred;
        `levels` are its replicates (RESAMPLES,), of the same resamples where it comes from the same images."""
        position = _log_ratio(resampled_means(values, seed), levels)
        shift = self._curve_error(self._invert(position))
        value = float(self._invert(_log_ratio(checked(values).mean(), level)))
        # Of a value inside the range, replicates outside it count for its variance; of one outside, none is a number.
        read = self._extrapolated if math.isfinite(value) else self._invert
        return Estimate(value, read(position - shift), scale=Scale(2, *self.limits))

    def pixels(self, sigma: float) -> str:
        """`sigma` for people: "0.45 px", "beyond 5 px", "sharper than real by more than 1 px"."""
        if math.isnan(sigma):
            return "unknown"
        if math.isinf(sigma):
            low, high = self.limits
            return f"beyond {high:g} px" if sigma > 0 else f"sharper than real by more than {-low:g} px"
        return f"{sigma:.2f} px"

    def to_dict(self) -> dict:
        """What a report keeps: measure, unit, curve, calibrated range and image counts, all JSON values."""
        return {
            "measure": self.measure.name,
            "unit": self.measure.unit,
            "curve": self.curve,
            "limits": list(self.limits),
            "images": len(self.values),
            "ladder_images": len(self.ladder),
        }

    @property
    def _level(self) -> float:
        """Mean of all images over mean of the ladder's: what the ladder's own choice of images is off by."""
        unblurred = self.ladder[:, REAL].mean()
        return self.values.mean() / unblurred if unblurred > 0 else 1.0

    @functools.cached_property
    def _position(self) -> np.ndarray:
        """Logarithm of the mean measure relative to unblurred images at every sigma, (len(SIGMAS),)."""
        means = self.ladder.mean(axis=0)
        return _log_ratio(means, means[REAL])

    @functools.cached_property
    def _run(self) -> range:
        """Indices around sigma 0 over which the curve is strictly monotone in the measure's own direction."""
        steps = np.diff(self._position) * (-1 if self.measure.sharper_is_higher else 1) > 0
        start = stop = REAL
        while start > 0 and steps[start - 1]:
            start -= 1
        while stop < len(steps) and steps[stop]:
            stop += 1
        if start == stop or self.values.mean() < ROUNDING:
            raise UserError(f"{self.measure.title} does not follow blur on these images; are they flat?")
        return range(start, stop + 1)

    @functools.cached_property
    def _inverse(self) -> PchipInterpolator:
        """Diffusion time sign(sigma) sigma^2 as a function of position. In time the curve has a slope at 0, and in the
        logarithm measures that fall by orders of magnitude stay smooth: both keep the interpolation below 0.003 px."""
        position, time = self._position[list(self._run)], _time(SIGMAS)[list(self._run)]
        order = np.argsort(position)
        return PchipInterpolator(position[order], time[order], extrapolate=False)

    def _invert(self, position: ArrayLike) -> np.ndarray:
        """Positions on the logarithmic curve -> sigma in px; -inf and inf outside it."""
        position = np.asarray(position, dtype=np.float64)
        ends = self._position[[self._run.start, self._run.stop - 1]]  # sharpest, blurriest
        direction = np.sign(ends[1] - ends[0])
        inside = np.clip(position, ends.min(), ends.max())
        time = self._inverse(inside)
        sigma = np.sign(time) * np.sqrt(np.abs(time))
        sigma = np.where((position - ends[1]) * direction > ROUNDING, np.inf, sigma)
        return np.where((position - ends[0]) * direction < -ROUNDING, -np.inf, sigma)

    def _extrapolated(self, position: np.ndarray) -> np.ndarray:
        """The same without ends: beyond them the inverse goes on as straight as it leaves, in px^2."""
        ends = np.sort(self._position[[self._run.start, self._run.stop - 1]])
        inside = np.clip(position, *ends)
        time = self._inverse(inside) + (position - inside) * self._inverse(inside, 1)
        return np.sign(time) * np.sqrt(np.abs(time))

    @functools.cached_property
    def _curve_replicates(self) -> np.ndarray:
        """Positions of the nodes when the ladder's images are resampled, less `_position`: (RESAMPLES, len(SIGMAS))."""
        means = resampled_means(self.ladder, self.seed)
        return _log_ratio(means, means[:, [REAL]]) - self._position

    def _curve_error(self, sigma: np.ndarray) -> np.ndarray:
        """How far resampled curve b lies from the curve at sigma b, (RESAMPLES,); linear between nodes."""
        sigma = np.clip(sigma, *self.limits)
        right = np.clip(np.searchsorted(SIGMAS, sigma), 1, len(SIGMAS) - 1)
        nodes, rows = np.asarray(SIGMAS), np.arange(len(sigma))
        share = (sigma - nodes[right - 1]) / (nodes[right] - nodes[right - 1])
        return (1 - share) * self._curve_replicates[rows, right - 1] + share * self._curve_replicates[rows, right]


def _foretold(known: np.ndarray, on: np.ndarray, ladder: np.ndarray) -> np.ndarray:
    """A ladder (N, K) of all images from that of those `on` it, (M, K), and what is known of all, (N, P), a constant
    included: the regression estimator of Cassel, Saerndal and Wretman (1976). Residuals, of mean 0, stand for those of
    all N, so that resamples vary as the estimate does. Each is enlarged by 1 / (1 - leverage) twice: with 16 to 40 of
    200 damaged images on the ladder, 95 % intervals hold 89 to 95 % of blurs; once (the jackknife), 85 to 94 %."""
    basis, _ = np.linalg.qr(known[on])
    found = known @ np.linalg.lstsq(known[on], ladder, rcond=None)[0]
    free = (1 - np.square(basis).sum(axis=1, keepdims=True)).clip(min=0.1)
    left = (ladder - found[on]) / np.square(free)
    found[on] += (left - left.mean(axis=0)) / on.mean()
    return found


def calibrate(measure: Measure, images: Tensor) -> Calibration:
    """Measure real held-out uint8 (N, C, H, W), N >= 2, under every blur of the ladder.

    They must not be the images a source is reported against, and should be a random half of the held-out ones: parts of
    a data set in file order may differ (the first 2,000 of MNIST's test images measure 6 % above all 10,000).
    """
    check_images(images)
    ladder, row = images[:LADDER_IMAGES], {measure.name: measure}
    return Calibration(
        measure,
        checked(measure.function(images)),
        np.stack([checked(measured(ladder, row, sigma)[measure.name]) for sigma in SIGMAS], axis=1),
    )


def alarm(audit: Calibration, values: ArrayLike, sigma: float) -> float:
    """How far the mean of an audit's `values` (N,) goes beyond what real images blurred by `sigma` px may have: flag a
    source above 1. Judged at the source's own sigma_eq, because a blurred image should have almost none near Nyquist.
    """
    return float(checked(values).mean() / (AUDIT_FACTOR * audit.value_at(sigma) + AUDIT_SLACK[audit.measure.name]))


def flagged(audit: Calibration, values: ArrayLike, sigma: float, low: float) -> bool:
    """Whether `alarm` is above 1 for certain (95 %): by the errors of both means, and of the blur, which is `low` px at
    least. Of few images some have much of an audit by chance, or read a blur under which real ones would have little:
    48 drawings of 192x256 were flagged in 10 of 100 halves when their reading passed for exact."""
    values, (allowed, most) = checked(values), (AUDIT_FACTOR * audit.value_at(at) for at in (sigma, min(low, sigma)))
    share = allowed / max(audit.values.mean(), ROUNDING)
    means = math.hypot(_standard_error(values), share * _standard_error(audit.values))
    error = math.hypot(means, (most - allowed) / SURE)
    return bool(values.mean() - SURE * error > allowed + AUDIT_SLACK[audit.measure.name])


def _standard_error(values: np.ndarray) -> float:
    return float(values.std(ddof=1)) / math.sqrt(len(values))


def _time(sigma: ArrayLike) -> np.ndarray:
    """Signed diffusion time in px^2, in which blurs add up."""
    sigma = np.asarray(sigma, dtype=np.float64)
    return sigma * np.abs(sigma)


def _log_ratio(value: ArrayLike, reference: ArrayLike) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(value) - np.log(reference)


def _paired(values: ArrayLike, originals: ArrayLike) -> np.ndarray:
    if np.shape(values) != np.shape(originals):
        raise UserError(f"paired values must have one shape, got {np.shape(values)} and {np.shape(originals)}")
    return checked(originals)
