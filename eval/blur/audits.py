"""Audits: what is in images that is no detail and may pass for sharpness, in grey and in colour.

Like the measures, each takes uint8 (N, C, H, W), C 1 or 3, and returns float64 (N,). Colour is R - Y and B - Y, Y the
grey; grey images have none, and what audits it reads 0 for them.
"""

import functools

import torch
from torch import Tensor
from torch.nn import functional as F

from eval.blur.measures import Measure, grey, noise_floor, of_uint8, smooth
from eval.blur.spectrum import half_plane, windowed_power

NYQUIST_SHARE = 0.85  # of the Nyquist frequency; what lies above it a Gaussian of 1 px has left 3 % of
AROUND = 2.0  # px; a place is judged flat by what this blur leaves there: of a speck of one pixel 4 %
FLAT = 0.01  # a pixel; the steepest slope, on [0, 1] and after that blur, that still is flat
LEAST_FLAT = 0.05  # of an image; where less of it is flat, the rest counts as clean
FINE = 1.0  # px; speckle is what this blur takes away


def luma_and_colour(images: Tensor) -> Tensor:
    """uint8 (N, C, H, W) -> Y, R - Y and B - Y, float32 (N, 3, H, W), of values in [0, 1]; the last two 0 for grey."""
    x, luma = images.float().div_(255), grey(images)
    return torch.stack([luma, x[:, 0] - luma, x[:, -1] - luma], dim=1)


@of_uint8
def noise_estimate(x: Tensor) -> Tensor:
    """Standard deviation of white noise in the quietest quarter of each image, grey in [0, 1]; blind to period 2."""
    return noise_floor(x).sqrt()


@of_uint8
def checkerboard_index(x: Tensor) -> Tensor:
    """Root-mean-square amplitude of the pixel checkerboard, grey in [0, 1], less what the noise floor would add."""
    response = x
    for _ in range(2):  # the filter [1, -4, 6, -4, 1] / 16 along both axes: 1 at Nyquist, four zeros at frequency 0
        response = (2 * response[:, 1:-1] - response[:, :-2] - response[:, 2:]) / 4
        response = (2 * response[..., 1:-1] - response[..., :-2] - response[..., 2:]) / 4
    energy = response.square().mean(dim=(1, 2))
    return (energy - (70 / 256) ** 2 * noise_floor(x)).clamp_(min=0).sqrt()


@of_uint8
def nyquist_power(x: Tensor) -> Tensor:
    """Mean power, scaled as `power_spectrum`, at radial frequencies above 0.85 Nyquist, corners included."""
    power = windowed_power(x).double()
    return power.mul_(_nyquist_average(*x.shape[1:])).sum(dim=1)  # a product of matrices rounds by the batch's size


@functools.lru_cache(maxsize=16)
def _nyquist_average(height: int, width: int) -> Tensor:
    radius, counts = half_plane(height, width)
    members = (radius > NYQUIST_SHARE * 0.5) * counts
    return members / members.sum()


@functools.partial(of_uint8, planes=luma_and_colour)
def colour_nyquist_power(x: Tensor) -> Tensor:
    """`nyquist_power` of R - Y and of B - Y, summed: colour grain, which grey hides; of planes (n, 3, H, W)."""
    return torch.stack([nyquist_power.__wrapped__(colour) for colour in x[:, 1:].unbind(dim=1)]).sum(dim=0)


@of_uint8
def speckle(x: Tensor) -> Tensor:
    """Root mean square of what a blur of 1 px takes away, where the image is flat but for specks: the lower quartile of
    `noise_estimate` leaves specks out, and where there are edges they do not show. 0 where nothing is flat."""
    return _speckle(x[:, None], x[:, None])


@functools.partial(of_uint8, planes=luma_and_colour)
def colour_speckle(x: Tensor) -> Tensor:
    """The same of R - Y and B - Y, where grey and colour are flat: from Y, R - Y and B - Y, (n, 3, H, W)."""
    return _speckle(x[:, 1:], x)


def _speckle(x: Tensor, judged: Tensor) -> Tensor:
    """Of planes x (n, k, H, W), summed, where the planes `judged` (n, m, H, W) are flat."""
    flat = flat_parts(judged)
    fine = summed_squares(x - smooth(x, FINE))
    counted = flat.sum(dim=(1, 2)).clamp(min=LEAST_FLAT * flat[0].numel())
    return ((fine * flat).sum(dim=(1, 2)) / counted).sqrt()


def flat_parts(x: Tensor) -> Tensor:
    """Which places of planes (n, m, H, W) in [0, 1] are flat but for specks, they and their neighbours (on the top of a
    ridge the slope is 0 as well): bool (n, H, W)."""
    down, across = torch.gradient(smooth(x, AROUND), dim=(2, 3))
    slope = F.pad(summed_squares(down) + summed_squares(across), (1, 1, 1, 1))
    for axis in (1, 2):  # the largest of 3x3; ten times faster than max_pool2d in float64
        near = [slope.narrow(axis, start, slope.shape[axis] - 2) for start in range(3)]
        slope = functools.reduce(torch.maximum, near)
    return slope < FLAT**2


def summed_squares(x: Tensor) -> Tensor:
    """Sum over the planes of (n, k, H, W), squared: four times as fast plane by plane as `sum` over them."""
    return functools.reduce(torch.add, (plane.square() for plane in x.unbind(dim=1)))


AUDITS: dict[str, Measure] = {
    row.name: row
    for row in (
        Measure("nyquist_power", nyquist_power, "power near Nyquist", "grey level\u00b2", True),
        Measure("noise_estimate", noise_estimate, "noise estimate", "grey level", True),
        Measure("checkerboard_index", checkerboard_index, "checkerboard index", "grey level", True),
        Measure(
            "colour_nyquist_power",
            colour_nyquist_power,
            "power near Nyquist in colour",
            "grey level\u00b2",
            True,
            luma_and_colour,
        ),
        Measure("speckle", speckle, "speckle on flat parts", "grey level", True),
        Measure("colour_speckle", colour_speckle, "speckle in colour", "grey level", True, luma_and_colour),
    )
}
