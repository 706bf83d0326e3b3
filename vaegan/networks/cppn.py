"""Decoder and Discriminator of hardmaru/cppn-gan-vae-tensorflow: an image as a function of the place in it.

The decoder maps (x, y, r, z) to the pixel there, r being the distance from the centre, so one code has an image at
every size: a larger one is the same function read at more places, the centres of the pixels of the same square.
"""

import math

import torch
from torch import Tensor, nn

from vaegan.networks.colour import vivid
from vaegan.networks.convolutional import KERNEL, PADDING, scaled
from vaegan.networks.normalisation import MinibatchStd, Norm, normalise
from vaegan.networks.outputs import Judged, image_of, widened

SCALE = 8.0  # the trained image's pixels have coordinates in [-SCALE, SCALE], and codes are multiplied by it
UNITS, TANH_LAYERS = 128, 3
SPREAD = 0.1  # standard deviation of the starting weights and biases
ENCODER_UNITS = (512, 512)
CHANNELS = (24, 48, 96)
LEAK = 0.2
POINTS = 2**13  # places of large images evaluated at once: 4 MiB a layer at width 1, half the time of 128 MiB


class Decoder(nn.Module):
    """Dec(z): (B, D) -> image (B, C, S, S) in [-1, 1], at the trained size or any other."""

    def __init__(self, channels: int, image_size: int, width: float, latent_dim: int):
        super().__init__()
        units = scaled(UNITS, width)
        self.image_size = image_size
        self.code, self.place = nn.Linear(latent_dim, units), nn.Linear(3, units, bias=False)
        layers: list[nn.Module] = [nn.Softplus()]
        for _ in range(TANH_LAYERS):
            layers += [nn.Linear(units, units), nn.Tanh()]
        self.layers = nn.Sequential(*layers, nn.Linear(units, channels))
        for parameter in self.parameters():
            nn.init.normal_(parameter, std=SPREAD)

    def forward(self, z: Tensor, size: int | None = None) -> Tensor:
        return image_of(self.logit(z, size))

    def logit(self, z: Tensor, size: int | None = None) -> Tensor:
        size = size or self.image_size
        code = self.code(SCALE * z)[:, None]  # (B, 1, units)
        at_once = size**2 if size <= self.image_size else max(1, POINTS // max(len(z), 1))
        places = coordinates(size, self.image_size, z.device).split(at_once)
        pixels = torch.cat([self.layers(code + self.place(p)) for p in places], dim=1)  # (B, S * S, C)
        return widened(pixels).mT.unflatten(2, (size, size))


class Discriminator(nn.Module):
    """Dis(x): image (B, C, S, S) -> Dis_l (B, F, s, s), before its normalisation, and the logit of "real" (B,)."""

    def __init__(
        self,
        channels: int,
        image_size: int,
        width: float,
        norm: Norm,
        colour_gain: float = 1.0,
        minibatch_std: bool = False,
    ):
        super().__init__()
        self.colour_gain = colour_gain
        first, second, last = (scaled(c, width) for c in CHANNELS)
        self.features = nn.Sequential(
            nn.Conv2d(channels, first, KERNEL, 2, PADDING),
            nn.LeakyReLU(LEAK),
            nn.Conv2d(first, second, KERNEL, 2, PADDING, bias=False),
            normalise(norm, second, 2),
            nn.LeakyReLU(LEAK),
            nn.Conv2d(second, last, KERNEL, 2, PADDING, bias=False),
        )
        places = math.ceil(image_size / 8) ** 2
        self.feature_count = last * places
        spread = [MinibatchStd()] if minibatch_std else []
        self.verdict = nn.Sequential(
            normalise(norm, last, 2),
            nn.LeakyReLU(LEAK),
            *spread,
            nn.Flatten(),
            nn.Linear((last + len(spread)) * places, 1),
        )

    def forward(self, x: Tensor) -> Judged:
        dis_l = self.features(vivid(x, self.colour_gain))
        return Judged(widened(dis_l), widened(self.verdict(dis_l).squeeze(1)))


def coordinates(size: int, trained: int, device: torch.device | None = None) -> Tensor:
    """Return x, y and r of every pixel, row by row, (size * size, 3), of an image trained at `trained` pixels a side.

    The trained image's outermost centres lie on +-SCALE. Another size divides the same square, so that its outermost
    centres lie nearer the border, and the means of its places are the trained ones. (The original keeps the outermost
    centres on +-SCALE, which enlarges what is drawn by up to a trained pixel.)
    """
    border = SCALE * trained / max(trained - 1, 1)
    line = border * ((2 * torch.arange(size, device=device) + 1) / size - 1)
    y, x = torch.meshgrid(line, line, indexing="ij")
    return torch.stack([x, y, torch.hypot(x, y)], dim=-1).flatten(0, 1)
