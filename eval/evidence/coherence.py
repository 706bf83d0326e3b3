"""Sharp is not detail: how much of an image's fine structure is that of its original, by spatial frequency.

With X and Y the cosine spectra of originals and of versions of them, less their means over images: the transfer
S_xy / S_xx is what became of the original's structure, the coherence S_xy^2 / (S_xx S_yy) the share of the version's
power that follows the original (Bendat & Piersol, Random Data, ch. 6). Grain has power and no coherence.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from scipy import fft
from torch import Tensor

from eval.blur.calibration import Calibration
from eval.blur.damages import NOISE_SD, add_noise
from eval.blur.measures import CHUNK_PIXELS, PRIMARY, REC_601, check_images, gaussian_blur
from eval.evidence.evidence import BASELINE, Evidence
from eval.evidence.findings import entry
from eval.sources.runs import Source
from eval.uncertainty.estimates import FEWEST, Estimate
from vaegan.errors import UserError

EDGES = (0.0, 0.04, 0.065, 0.1, 0.16, 0.26, 0.42, 0.71)  # cycles a pixel; each band is about 1.6 times the one before
COUNT = 1000  # first reported images: bands are means over them and over coefficients, and move by less than 0.01
ALLOWED = 0.05  # share by which the blur of a control may be off
ROOM = 4  # standard deviations of noise to black and to white: at the very ends 6 in 100,000 go further
NOISE_OFF, SURE = 0.01, 5.0  # what the control with noise may be off by, beyond so many standard errors of its own
DUST = 1e-10  # of a sum of squares: what float64 may be off by


@dataclass(frozen=True)
class Spectra:
    """Sums over images of products of cosine coefficients, less the images' mean: float64 (H, W) each."""

    original: Tensor = field(repr=False)  # S_xx
    version: Tensor = field(repr=False)  # S_yy
    cross: Tensor = field(repr=False)  # S_xy

    @property
    def response(self) -> Tensor:
        """S_xy / S_xx of every coefficient, (H, W): what became of the original's structure; 0 where there was none."""
        return _share(self.cross, self.original)


@dataclass(frozen=True)
class Band:
    """One band of frequencies, `low` to `high` cycles a pixel."""

    low: float
    high: float
    transfer: float  # 1: as strong as in the original
    coherence: float  # 0 to 1: share of the version's power that follows the original
    power: float  # of the version, relative to the original


def spectra(originals: Tensor, versions: Tensor, calibration: Calibration) -> Spectra:
    """Spectra of uint8 (N, C, H, W) and of versions of the same images in the same order, in the measure's grey.

    Raises UserError for two shapes or fewer than two images.
    """
    check_images(originals)
    if originals.shape != versions.shape:
        raise UserError(f"paired images must have one shape, got {tuple(originals.shape)} and {tuple(versions.shape)}")
    if len(originals) < 2:
        raise UserError("coherence needs at least 2 images: what all images share says nothing of one of them")
    sums = {name: torch.zeros(originals.shape[2:], dtype=torch.float64) for name in ("x", "y", "xx", "yy", "xy")}
    for chunk in _rows(originals):
        x, y = (_cosine(calibration.measure.planes(images[chunk])) for images in (originals, versions))
        for name, products in (("x", x), ("y", y), ("xx", x * x), ("yy", y * y), ("xy", x * y)):
            sums[name] += products.sum(dim=0)
    n = len(originals)
    pairs = ("xx", "yy", "xy")
    return Spectra(*(_less(sums[pair], sums[pair[0]] * sums[pair[1]] / n) for pair in pairs))


def bands(spectra: Spectra) -> list[Band]:
    """Transfer, coherence and power in the bands of EDGES, each from the sums over its coefficients."""
    rows = []
    for low, high, inside in _members(spectra):
        xx, yy, xy = (s[inside].sum() for s in (spectra.original, spectra.version, spectra.cross))
        rows.append(Band(low, high, *(float(_share(a, b)) for a, b in ((xy, xx), (xy * xy, xx * yy), (yy, xx)))))
    return rows


def _members(spectra: Spectra) -> Iterator[tuple[float, float, Tensor]]:
    """Both ends of every band, and which coefficients lie in it."""
    frequency = frequencies(*spectra.cross.shape)
    for low, high in zip(EDGES, EDGES[1:], strict=False):
        yield low, high, (frequency > low) & (frequency <= high)


def frequencies(height: int, width: int) -> Tensor:
    """Radial frequency of every cosine coefficient, cycles a pixel, float64 (H, W)."""
    rows, columns = (torch.arange(n, dtype=torch.float64) / (2 * n) for n in (height, width))
    return torch.hypot(rows[:, None], columns[None])


def coherent_blur(originals: Tensor, spectra: Spectra, calibration: Calibration, seed: int = 0) -> Estimate:
    """Equivalent blur in px of the versions' coherent part: of the originals, uint8 (N, C, H, W), after the response.

    What does not follow the original, sharp or not, is left out; the measure is paired, so content cancels.
    """
    measure, response = calibration.measure, spectra.response
    parts = [
        measure.on_planes(_inverse(response * _cosine(measure.planes(originals[chunk])))) for chunk in _rows(originals)
    ]
    return calibration.estimate(torch.cat(parts), measure.function(originals), seed)


def of_report(evidence: Evidence) -> dict | None:
    """What a report keeps: a row for each run's reconstructions and each linear VAE's, and the controls; None where
    there are no reconstructions or too few images."""
    some = evidence.held_out.report[:COUNT]
    if not evidence.of("reconstructions") or len(some) < FEWEST:
        return None
    sources = [m.source for m in evidence.of("reconstructions", BASELINE) if m.source.paired]
    rows = [_row(evidence, source.id, source.title, source.run, _first(source, len(some))) for source in sources]
    return {"rows": rows, "checks": [_blurred(evidence, some), _noisy(evidence, some)], "images": len(some)}


def _blurred(evidence: Evidence, some: Tensor) -> dict:
    row = _row(evidence, "blurred", "Control: held-out, blurred 1 px", None, gaussian_blur(some, 1.0))
    return {"row": row, "expected": "coherent part 1.00 px", "ok": is_coherent(row["coherent"], 1.0)}


def _noisy(evidence: Evidence, some: Tensor) -> dict:
    """Noise on images that leave room for it: cut off at black and white it would depend on the image."""
    originals = with_room(some)
    versions = add_noise(originals, evidence.seed)
    title = f"Control: held-out, contrast × {1 - 2 * ROOM * NOISE_SD:g}, + noise {NOISE_SD:g}"
    row = _row(evidence, "noisy", title, None, versions, originals)
    wanted = under_noise(spectra(originals, versions, evidence.calibrations[PRIMARY]), len(some), added(some.shape[1]))
    expected = f"transfer 1 and coherence S_xx / (S_xx + noise) in every band, {wanted[-1].coherence:.2f} in the last"
    return {"row": row, "expected": expected, "ok": is_incoherent(row["bands"], wanted)}


def with_room(images: Tensor) -> Tensor:
    """uint8 images drawn towards the middle grey, so that ROOM standard deviations of noise fit on either side."""
    return (127.5 + (1 - 2 * ROOM * NOISE_SD) * (images.float() - 127.5)).round().byte()


def added(channels: int, sd: float = NOISE_SD) -> float:
    """Variance that noise of `sd` in each channel has in grey, on [0, 1], with that of rounding to 255 levels."""
    return (sd**2 + 1 / (12 * 255**2)) * (sum(weight**2 for weight in REC_601) if channels == 3 else 1.0)


@dataclass(frozen=True)
class Expected:
    """What independent white noise must leave in a band, and how far chance takes it from there (standard errors)."""

    coherence: float
    coherence_error: float
    transfer_error: float  # around 1


def under_noise(spectra: Spectra, images: int, variance: float) -> list[Expected]:
    """By band, the coherence S_xx / (S_xx + S_nn) of `images` originals under white noise of `variance`; chance enters
    by S_xn, of variance S_xx x `variance`, and by S_nn, a chi^2."""
    rows = []
    for _, _, inside in _members(spectra):
        products, signal = (images - 1) * int(inside.sum()), float(spectra.original[inside].sum())
        share = signal / (signal + products * variance)
        if share == 0:
            rows.append(Expected(0.0, 1 / products, math.inf))
            continue
        odds = (1 - share) / share
        error = share * (1 - share) * math.sqrt((4 * odds + 2) / products)
        rows.append(Expected(share, error, math.sqrt(odds / products)))
    return rows


def is_coherent(read: dict, applied: float) -> bool:
    """Whether the coherent part of images under a known blur reads that blur."""
    return bool(abs(read["value"] - applied) <= ALLOWED * applied)


def is_incoherent(found: Sequence[dict], wanted: Sequence[Expected]) -> bool:
    """Whether independent noise costs the coherence that it must in every band and leaves the transfer at 1."""
    return all(
        abs(band["coherence"] - known.coherence) <= NOISE_OFF + SURE * known.coherence_error
        and abs(band["transfer"] - 1) <= NOISE_OFF + SURE * known.transfer_error
        for band, known in zip(found, wanted, strict=True)
    )


def _first(source: Source, count: int) -> Tensor:
    """The first images of a source, streamed anew."""
    parts, seen = [], 0
    for batch in source.batches():
        parts.append(batch)
        seen += len(batch)
        if seen >= count:
            break
    return torch.cat(parts)[:count]


def _row(
    evidence: Evidence, id: str, title: str, run: str | None, versions: Tensor, originals: Tensor | None = None
) -> dict:
    """One set of versions of the reported images, or of other originals."""
    calibration = evidence.calibrations[PRIMARY]
    originals = evidence.held_out.report[: len(versions)] if originals is None else originals
    own, function = spectra(originals, versions, calibration), calibration.measure.function
    whole = calibration.estimate(function(versions), function(originals), evidence.seed)
    coherent = coherent_blur(originals, own, calibration, evidence.seed)
    readings = {"whole": whole, "coherent": coherent}
    return {
        "source": id,
        "title": title,
        "run": run,
        "bands": [vars(band) for band in bands(own)],
        **{name: entry(e.interval, calibration.pixels) for name, e in readings.items()},
    }


def _rows(images: Tensor) -> Iterator[slice]:
    """Row numbers of as many images as fit the cache at a time."""
    size = max(1, CHUNK_PIXELS // (images.shape[2] * images.shape[3]))
    return (slice(start, start + size) for start in range(0, len(images), size))


def _cosine(x: Tensor) -> Tensor:
    """Orthonormal DCT-II of (n, H, W), float64."""
    return torch.from_numpy(fft.dctn(x.double().numpy(), axes=(1, 2), norm="ortho"))


def _inverse(x: Tensor) -> Tensor:
    return torch.from_numpy(fft.idctn(x.numpy(), axes=(1, 2), norm="ortho"))


def _less(whole: Tensor, part: Tensor) -> Tensor:
    """whole - part, 0 where no more than rounding is left: dust over dust would pass for coherence."""
    rest = whole - part
    return torch.where(rest.abs() > DUST * torch.maximum(whole.abs(), part.abs()), rest, 0.0)


def _share(part: Tensor, whole: Tensor) -> Tensor:
    """part / whole, 0 where there is nothing of the whole."""
    return torch.where(whole > 0, part / whole.clamp_min(torch.finfo(whole.dtype).tiny), 0.0)
