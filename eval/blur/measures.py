"""How sharp each image is: blur measures and the reference Gaussian blur. The audits that catch a fooled measure are in
eval.blur.audits.

Every measure takes uint8 (N, C, H, W), C 1 or 3, sides of at least 28 pixels, and returns float64 (N,), computed on
grey values in [0, 1], never NaN. Images are processed in chunks, so memory does not grow with N.

Planes are float32, half the cost of float64: an image's value differs by a few parts in a million, a reading by less
than 0.001 px (tests/test_blurriness.py). On float64 planes the same functions compute in float64.
"""

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from vaegan.errors import UserError

SMALLEST_SIDE = 28
PRE_SMOOTHING = 1.0  # px; it leaves 14 % of a stripe at Nyquist, 2 % of a checkerboard: neither can pass for edges
REC_601 = (0.299, 0.587, 0.114)
REC_709 = (0.2125, 0.7154, 0.0721)  # scikit-image's rgb2gray, for parity with its blur_effect
BAND = 32  # rows of a blur matrix applied together, with what of it is not zero
NOTHING = {torch.float64: 1e-14, torch.float32: 1e-9}  # of a blur matrix's largest entry: lost in rounding below it
CHUNK_PIXELS = 2**17  # 32 images of 64x64: half a MiB of float32 a plane, of which the processor's cache holds several
NORMAL_QUARTILE = 0.31863936396437514  # of |z|, z standard normal
BOX = 11  # pixels of Crete's blur
EPSILON = float(np.finfo(np.float64).eps)
QUANTISATION_VARIANCE = 1 / 255**2 / 12  # of rounding to uint8: contrast below it cannot be told from none

Function = Callable[[Tensor], Tensor]


class Quantised(Protocol):
    """A function of uint8 (N, C, H, W) by `of_uint8`, and that of planes which it was made of."""

    __wrapped__: Function

    def __call__(self, images: Tensor, /) -> Tensor: ...


def check_images(images: Tensor) -> None:
    """Raise UserError unless `images` is a non-empty uint8 (N, C, H, W), C 1 or 3, with sides of at least 28."""
    if not isinstance(images, Tensor):
        raise UserError(f"images must be one uint8 tensor (N, C, H, W) of one size, got a {type(images).__name__}")
    if images.dtype != torch.uint8:
        raise UserError(f"images must be uint8, got {images.dtype}; quantise with vaegan.pixels.to_uint8 first")
    shape = tuple(images.shape)
    if len(shape) != 4 or shape[1] not in (1, 3):
        raise UserError(f"images must have the shape (N, 1 or 3, H, W), got {shape}")
    if shape[0] == 0:
        raise UserError("there are no images to measure; give at least one")
    if min(shape[2:]) < SMALLEST_SIDE:
        raise UserError(f"images must be at least {SMALLEST_SIDE} pixels on each side, got {shape[2]}x{shape[3]}")


def in_chunks(images: Tensor, function: Function) -> Tensor:
    """Apply `function` to runs of images small enough for the cache; results (N, ...) in one tensor."""
    check_images(images)
    chunks = images.split(max(1, CHUNK_PIXELS // (images.shape[2] * images.shape[3])))
    first = function(chunks[0])
    # Written in place: small results kept between large temporaries would fragment the heap, 30 kB an image.
    results = first.new_empty((len(images), *first.shape[1:]))
    for chunk, into in zip(chunks, results.split(len(chunks[0])), strict=True):
        into.copy_(first if chunk is chunks[0] else function(chunk))
    return results


def grey(images: Tensor, weights: tuple[float, float, float] = REC_601) -> Tensor:
    """uint8 (N, C, H, W) -> float32 grey (N, H, W) in [0, 1]; RGB is weighted, grey is taken as it is."""
    x = images.float().div_(255)
    if x.shape[1] == 1:
        return x[:, 0]
    red, green, blue = x.unbind(dim=1)
    # The weights' sum is 1, so this is their mean, and exactly `green` where all three are equal.
    return green.add(red - green, alpha=weights[0]).add_(blue - green, alpha=weights[2])


def of_uint8(function: Function, planes: Function = grey) -> Quantised:
    """Turn a function of grey images, (n, H, W) -> (n, ...), or of other `planes`, linear in the colours, into one of
    uint8 (N, C, H, W), float64. The function of planes stays reachable as `__wrapped__`."""

    @functools.wraps(function)
    def measure(images: Tensor) -> Tensor:
        return in_chunks(images, lambda chunk: function(planes(chunk)).double())

    return measure


rec_709_grey = functools.partial(grey, weights=REC_709)


@dataclass(frozen=True)
class Measure:
    """A row of the table of measures or of audits: `function` maps uint8 (N, C, H, W) to float64 (N,) in `unit`."""

    name: str
    function: Quantised
    title: str
    unit: str
    sharper_is_higher: bool
    planes: Function = grey  # what of the colours it looks at

    @property
    def on_planes(self) -> Function:
        """The same measure of planes that were never quantised, (n, ..., H, W) on the scale [0, 1] -> (n,)."""
        return self.function.__wrapped__


# ---------------------------------------------------------------------------------------------- the reference blur


@functools.lru_cache(maxsize=256)
def blur_matrix(size: int, sigma: float, dtype: torch.dtype = torch.float64) -> Tensor:
    """The discrete Gaussian of Lindeberg (1990) along one axis, reflecting half a sample out, (size, size).

    It solves the discrete heat equation, exp(sigma^2/2 L), so its variance is sigma^2 at every sigma and blurs compose
    (0.3 then 0.4 is 0.5). A sampled kernel has neither property below 0.6 px (at sigma 0.3 its standard deviation is
    0.09 px); an erf-integrated one carries the pixel's own 1/12 px^2 on top. A negative sigma gives the inverse.
    """
    n = np.arange(size)
    # DCT-II: the eigenvectors under reflection. Whole periods go in integers: at 1,024 px they would cost 3 digits.
    cosines = np.cos(np.pi / (2 * size) * (np.outer(n, 2 * n + 1) % (4 * size)))
    weights = np.where(n == 0, 1, 2)[:, None] / size
    transfer = np.exp(-sigma * abs(sigma) * (1 - np.cos(np.pi * n / size)))
    return torch.from_numpy(cosines.T @ (transfer[:, None] * weights * cosines)).to(dtype)


def smooth(x: Tensor, sigma: float) -> Tensor:
    """Gaussian blur of float (..., H, W) by `sigma` pixels, reflecting at the borders."""
    for axis in (-2, -1):
        x = _along(axis, blur_matrix(x.shape[axis], sigma, x.dtype), x)
    return x


def _along(axis: int, matrix: Tensor, x: Tensor) -> Tensor:
    """Apply (size, size) along axis -2 or -1, without what of it is zero to rounding: at 512 pixels most of it."""
    size = len(matrix)
    reach = _reach(matrix) if size > 2 * BAND else size
    if BAND + 2 * reach >= size:
        return matrix @ x if axis == -2 else x @ matrix.T
    result = torch.empty_like(x)
    for start in range(0, size, BAND):
        low, high = max(0, start - reach), min(size, start + BAND + reach)
        part = x.narrow(axis, low, high - low)
        band = matrix[start : start + BAND, low:high]
        into = result.narrow(axis, start, len(band))
        torch.matmul(band, part, out=into) if axis == -2 else into.copy_(part @ band.T)
    return result


def _reach(matrix: Tensor) -> int:
    """How far from the diagonal a blur matrix has entries above rounding: read off its middle row."""
    middle = matrix[len(matrix) // 2].abs()
    rows = torch.nonzero(middle > NOTHING[matrix.dtype] * middle.max()).flatten()
    return int((rows - len(matrix) // 2).abs().max())


def gaussian_blur(images: Tensor, sigma: float) -> Tensor:
    """The reference degradation: uint8 (N, C, H, W) blurred by `sigma` >= 0 px, then rounded to uint8."""
    if not 0 <= sigma < math.inf:
        raise UserError(f"sigma of a Gaussian blur must be a finite number of pixels, 0 or more, got {sigma}")
    return in_chunks(images, lambda chunk: smooth(chunk.float(), float(sigma)).round_().clamp_(0, 255).byte())


# ---------------------------------------------------------------------------------------------- measures of sharpness


def measured(images: Tensor, rows: Mapping[str, Measure], sigma: float = 0.0) -> dict[str, Tensor]:
    """Every row of uint8 (N, C, H, W) under a blur of `sigma` px, float64 (N,) each; what several rows look at is made
    once. Images under a negative one are sharper than real and leave the range of uint8; clipping would hide that where
    black and white are saturated, so then planes are taken as they are."""
    kinds = dict.fromkeys(row.planes for row in rows.values())

    def of_chunk(chunk: Tensor) -> Tensor:
        blurred = gaussian_blur(chunk, sigma) if sigma > 0 else chunk
        seen = {planes: planes(blurred) for planes in kinds}
        if sigma < 0:
            seen = {planes: smooth(x, sigma) for planes, x in seen.items()}
        return torch.stack([row.on_planes(seen[row.planes]).double() for row in rows.values()], dim=1)

    return dict(zip(rows, in_chunks(images, of_chunk).unbind(dim=1), strict=True))


@of_uint8
def gradient_energy(x: Tensor) -> Tensor:
    """Gradient energy over variance, both after a Gaussian of 1 px and less what the image's noise floor adds, 1/px^2.

    Under reflection both are sums over the cosine spectrum, so the ratio is a mean squared frequency: a Gaussian blur
    lowers it whatever the image, and contrast cancels. The variance is taken after the smoothing because before it,
    noise and checkerboards would count as contrast and hide themselves as blur. A flat image has 0.
    """
    y = smooth(x, PRE_SMOOTHING)
    energy = y.diff(dim=-1).square().mean(dim=(1, 2)) + y.diff(dim=-2).square().mean(dim=(1, 2))
    variance = y.var(dim=(1, 2), correction=0)
    floor = noise_floor(x)
    of_energy, of_variance = smoothed_noise_gains(*x.shape[1:])
    # At most half of either is called noise, so that pure grain still has a defined, finite value.
    energy = energy - torch.minimum(of_energy * floor, energy / 2)
    variance = variance - torch.minimum(of_variance * floor, variance / 2)
    return energy / (variance + QUANTISATION_VARIANCE)


@of_uint8
def laplacian_variance(x: Tensor) -> Tensor:
    """Variance of the 3x3 Laplacian (centre -4, four neighbours 1, no padding) of grey in [0, 1], as the WAE paper
    (Tolstikhin et al. 2018) reports it; it counts noise (20 s^2) and checkerboards (64 a^2) as sharpness."""
    response = x[:, 1:-1, :-2] + x[:, 1:-1, 2:] + x[:, :-2, 1:-1] + x[:, 2:, 1:-1] - 4 * x[:, 1:-1, 1:-1]
    return response.var(dim=(1, 2), correction=0)


@functools.partial(of_uint8, planes=rec_709_grey)
def crete_blur_effect(x: Tensor) -> Tensor:
    """Blur effect of Crete et al. (2007), 0 sharp to 1 blurred: the share of gradient that survives a box blur of 11.

    Equals skimage.measure.blur_effect with its defaults; a flat image has 1.
    """
    x = x - x[:, :1, :1]  # makes a flat image exactly zero, where rounding would leave gradients of 1e-17
    return torch.maximum(_blur_along_rows(x), _blur_along_rows(x.mT.contiguous()))


def _blur_along_rows(x: Tensor) -> Tensor:
    """Crete's measure along the last axis of (n, H, W): Sobel's derivative there, and what a box of 11 leaves of it."""
    y = x[:, 1:-2] + 2 * x[:, 2:-1] + x[:, 3:]
    sharp = (y[..., 3:] - y[..., 1:-2]).abs_().clamp_(min=EPSILON)
    y = torch.cat([y[..., :4].flip(-1), y, y[..., -5:].flip(-1)], dim=-1)  # reflection, where the box reaches out
    # Two boxes, two pixels apart, differ by what is in one of them alone: two pixels at either end.
    ends = y[..., 12:] + y[..., 11:-1] - y[..., 1:-11] - y[..., :-12]
    blurred = ends.div_(BOX).abs_().clamp_(min=EPSILON)
    total = sharp.sum(dim=(1, 2))
    return (total - (sharp - blurred).clamp_(min=0).sum(dim=(1, 2))).abs() / total


# ---------------------------------------------------------------------------------------------- the noise floor


def noise_floor(x: Tensor) -> Tensor:
    """Variance of white noise in the quietest quarter of grey (n, H, W), after Immerkaer (1996), float64 (n,).

    The filter [1, -1, -1, 1] along both axes ignores shading, straight axis-parallel edges and anything of period 2, so
    that a checkerboard is not taken for noise; its lower quartile leaves textures and edges out.
    """
    rows = x[:, :-3] - x[:, 1:-2] - x[:, 2:-1] + x[:, 3:]
    response = rows[..., :-3] - rows[..., 1:-2] - rows[..., 2:-1] + rows[..., 3:]
    magnitudes = response.abs_().flatten(1).float().numpy()
    rank = magnitudes.shape[1] // 4 - 1
    quartile = np.partition(magnitudes, rank)[:, rank]  # 1/18 of the time of torch.kthvalue
    return (torch.from_numpy(quartile).double() / (4 * NORMAL_QUARTILE)).square()  # 4: the filter's norm


@functools.lru_cache(maxsize=64)
def smoothed_noise_gains(height: int, width: int) -> tuple[float, float]:
    """Gradient energy and variance that white noise of variance 1 has left after the pre-smoothing."""
    rows, columns = blur_matrix(height, PRE_SMOOTHING), blur_matrix(width, PRE_SMOOTHING)
    variances = [float(a.square().sum() / len(a)) for a in (rows, columns)]
    energies = [float(a.diff(dim=0).square().sum() / (len(a) - 1)) for a in (rows, columns)]
    return energies[0] * variances[1] + energies[1] * variances[0], variances[0] * variances[1]


MEASURES: dict[str, Measure] = {
    row.name: row
    for row in (
        Measure("gradient_energy", gradient_energy, "gradient energy", "1/px\u00b2", True),
        Measure("laplacian_variance", laplacian_variance, "Laplacian variance", "grey level\u00b2", True),
        Measure(
            "crete_blur_effect", crete_blur_effect, "Crete blur effect", "0 sharp to 1 blurred", False, rec_709_grey
        ),
    )
}
PRIMARY = "gradient_energy"
