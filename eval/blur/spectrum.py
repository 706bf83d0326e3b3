"""Power by spatial frequency."""

import functools
import math

import torch
from torch import Tensor

from eval.blur.measures import of_uint8


@of_uint8
def power_spectrum(x: Tensor) -> Tensor:
    """Azimuthally averaged power of the Hann-windowed image, float64 (N, bands), at `band_frequencies(H, W)`.

    In squared grey levels, scaled so that white noise of standard deviation s has s^2 in every band.
    """
    return windowed_power(x).double() @ _band_average(*x.shape[1:])


def band_frequencies(height: int, width: int) -> Tensor:
    """Centre of each band of `power_spectrum`, cycles per pixel, float64 (bands,): steps of 1 / shorter side."""
    side = min(height, width)
    return torch.arange(1, math.floor(side * math.sqrt(0.5)) + 1, dtype=torch.float64) / side


def windowed_power(x: Tensor) -> Tensor:
    """Power of the windowed images, flattened half-plane: (n, H, W) -> (n, H * (W // 2 + 1))."""
    halves = (torch.sin(math.pi * (torch.arange(n, dtype=x.dtype) + 0.5) / n) for n in x.shape[1:])
    window = torch.outer(*halves).square()  # Hann, at pixel centres: symmetric, so turning an image changes nothing
    mean = (x * window).sum(dim=(1, 2), keepdim=True) / window.sum()
    # Axis by axis: MKL's two-dimensional transform of one 32x32 image rounds otherwise than that of several.
    spectrum = torch.fft.fft(torch.fft.rfft((x - mean) * window), dim=1)
    power = spectrum.real.square().add_(spectrum.imag.square())
    return power.div_(window.square().sum()).flatten(1)


def half_plane(height: int, width: int) -> tuple[Tensor, Tensor]:
    """Of each entry of rfft2, flattened: radial frequency in cycles per pixel, and its multiplicity in the plane."""
    rows, columns = torch.fft.fftfreq(height).double(), torch.fft.rfftfreq(width).double()
    counts = torch.full((height, len(columns)), 2.0, dtype=torch.float64)
    counts[:, 0] = 1
    if width % 2 == 0:
        counts[:, -1] = 1
    return torch.hypot(rows[:, None], columns[None]).flatten(), counts.flatten()


@functools.lru_cache(maxsize=16)
def _band_average(height: int, width: int) -> Tensor:
    radius, counts = half_plane(height, width)
    band = (radius * min(height, width)).round().long() - 1  # band -1 holds the mean, which was taken out
    members = (band[:, None] == torch.arange(len(band_frequencies(height, width)))) * counts[:, None]
    return members / members.sum(dim=0)
