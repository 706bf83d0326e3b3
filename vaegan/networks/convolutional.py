"""Encoder, Decoder and Discriminator of Larsen et al. (arXiv 1512.09300), as in the authors' released code.

Every kernel is 5x5, every activation a plain ReLU; a strided convolution halves, a transposed one doubles. At width 1,
64x64 RGB and latent size 128 the parameter counts are the released ones: 18,071,360, 4,693,155 and 10,953,857.

A conditional network takes y (B, A) too and concatenates it to its dense layer's input, the paper's "vector
representation of the input in Enc, Dec and Dis". Constant maps beside the pixels would cost A channels of 5x5 at full
resolution, and make Dis_l, the metric, depend on y.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vaegan.networks.colour import vivid
from vaegan.networks.normalisation import CodeNorm, MinibatchStd, Norm, code_layers, normalise
from vaegan.networks.outputs import Judged, image_of, widened

KERNEL, PADDING = 5, 2


@dataclass(frozen=True)
class Stages:
    """Channels of each convolution at `width` 1, for one image size, and which of Dis's is Dis_l."""

    encoder: tuple[int, ...]
    decoder: tuple[int, ...]  # the first entry is the fully connected layer's map, the others transposed convolutions
    discriminator: tuple[int, ...]  # the first convolution keeps the size
    depth: int  # Dis_l is the output of this convolution of Dis, counted from 1

    @property
    def grid(self) -> int:
        """Downsampling from image to smallest map."""
        return 2 ** len(self.encoder)


def stages_of(image_size: int) -> Stages:
    """Return the stages of a power of two from 32; below, Enc and Dis alone can do any size.

    32 and 64 are the released networks (`architectures.py`; `recon_depth` of `cifar_aegan.py` and `celeba_aegan.py`),
    each doubling from there is ours: one more stage of 256 channels. Dis_l has 8x8 places at all of them.
    """
    if image_size <= 32:
        return Stages((64, 128, 256), (256, 192, 128, 32), (32, 128, 192, 256), depth=3)
    doublings = image_size.bit_length() - 7
    more = (256,) * doublings
    return Stages((64, 128, 256, *more), (256, *more, 256, 128, 32), (32, 128, 256, *more, 256), depth=4 + doublings)


ENCODER_UNITS, DISCRIMINATOR_UNITS = 1024, 512
PAPER_ENCODER_UNITS = 2048  # Table 1 of the paper; the released code has half of them
RELEASED_FEATURES = 256 * 8 * 8  # of Dis_l, on which the paper puts a Gaussian of unit variance


# Channels that the two layers at full resolution never fall below, Dec's last map and Dis's first: 8 channels cannot
# tell colour grain from texture, so at width 0.25 the images kept it (docs/choices.md).
FULL_RESOLUTION = 16


def scaled(channels: int, width: float, least: int = 4) -> int:
    """Scale a layer, keeping a multiple of 4 so that group norm and vector units divide it."""
    return max(least, 4 * round(channels * width / 4))


def relu() -> nn.Module:
    """Return a ReLU that overwrites its input, which neither a norm nor a convolution needs again: 3 % of an update."""
    return nn.ReLU(inplace=True)


class Encoder(nn.Module):
    """q(z|x): (B, C, S, S) in [-1, 1] -> mu (B, D), logvar (B, D). Batch norm here only ever sees real images."""

    def __init__(
        self,
        channels: int,
        image_size: int,
        width: float,
        latent_dim: int,
        norm: Norm,
        units: int = ENCODER_UNITS,
        conditions: int = 0,
    ):
        super().__init__()
        stages = stages_of(image_size)
        sizes = [channels, *(scaled(c, width) for c in stages.encoder)]
        layers: list[nn.Module] = []
        for c_in, c_out in zip(sizes, sizes[1:], strict=False):
            layers += [nn.Conv2d(c_in, c_out, KERNEL, 2, PADDING, bias=False), normalise(norm, c_out, 2), relu()]
        self.convolutions = nn.Sequential(*layers)
        flat, units = sizes[-1] * (image_size // stages.grid) ** 2, scaled(units, width)
        self.dense = nn.Sequential(
            nn.Flatten(), nn.Linear(flat + conditions, units, bias=False), normalise(norm, units, 1), relu()
        )
        self.mu = nn.Linear(units, latent_dim)
        self.logvar = nn.Linear(units, latent_dim)

    def forward(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        h = self.dense(beside(self.convolutions(x), y))
        return widened(self.mu(h)), widened(self.logvar(h))


class Decoder(nn.Module):
    """Dec(z): (B, D) -> image (B, C, S, S) in [-1, 1].

    Batch norm sees one kind of code a pass: reconstructions and prior samples are decoded apart, because a joint batch
    makes evaluation (one kind) differ from training (a mixture).
    """

    def __init__(
        self,
        channels: int,
        image_size: int,
        width: float,
        latent_dim: int,
        norm: Norm,
        code_norm: CodeNorm = "none",
        conditions: int = 0,
    ):
        super().__init__()
        stages = stages_of(image_size)
        *inner, outer = stages.decoder
        sizes = [*(scaled(c, width) for c in inner), scaled(outer, width, FULL_RESOLUTION)]
        side = image_size // 2 ** (len(sizes) - 1)
        flat = sizes[0] * side * side
        # One scale and shift per unit, not per channel: the released decoder normalises before it reshapes.
        self.dense = nn.Sequential(
            *code_layers(norm, code_norm, latent_dim + conditions, flat),
            relu(),
            nn.Unflatten(1, (sizes[0], side, side)),
        )
        layers: list[nn.Module] = []
        for c_in, c_out in zip(sizes, sizes[1:], strict=False):
            up = nn.ConvTranspose2d(c_in, c_out, KERNEL, 2, PADDING, output_padding=1, bias=False)
            layers += [up, normalise(norm, c_out, 2), relu()]
        self.convolutions = nn.Sequential(*layers, nn.Conv2d(sizes[-1], channels, KERNEL, 1, PADDING), nn.Tanh())

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        return image_of(self.logit(z, y))

    def logit(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        before_tanh = self.convolutions[:-1]
        return 2 * widened(before_tanh(self.dense(beside(z, y))))  # tanh(a) is the image of the logit 2 a


class Discriminator(nn.Module):
    """Dis(x): image (B, C, S, S) -> Dis_l (B, F, s, s) and the logit of "real" (B,).

    Dis_l is the output of one convolution (`Stages.depth`) before its normalisation and ReLU. Real images,
    reconstructions and prior samples pass apart: each batch norm sees one kind of image, and the features of x do not
    depend on x_tilde. It sees x with colours times `colour_gain`.
    """

    def __init__(
        self,
        channels: int,
        image_size: int,
        width: float,
        norm: Norm,
        colour_gain: float = 1.0,
        minibatch_std: bool = False,
        conditions: int = 0,
    ):
        super().__init__()
        self.colour_gain = colour_gain
        stages = stages_of(image_size)
        outer, *inner = stages.discriminator
        sizes = [scaled(outer, width, FULL_RESOLUTION), *(scaled(c, width) for c in inner)]
        layers: list[nn.Module] = [nn.Conv2d(channels, sizes[0], KERNEL, 1, PADDING), relu()]
        for c_in, c_out in zip(sizes, sizes[1:], strict=False):
            layers += [nn.Conv2d(c_in, c_out, KERNEL, 2, PADDING, bias=False), normalise(norm, c_out, 2), relu()]
        dis_l = [i for i, layer in enumerate(layers) if isinstance(layer, nn.Conv2d)][stages.depth - 1]
        self.features, above = nn.Sequential(*layers[: dis_l + 1]), layers[dis_l + 1 :]
        self.feature_count = feature_count(image_size, width)
        units, flat = scaled(DISCRIMINATOR_UNITS, width), map_count(image_size, width, len(sizes))
        spread = [MinibatchStd()] if minibatch_std else []
        flat += len(spread) * flat // sizes[-1]
        self.verdict = nn.Sequential(
            *above,
            *spread,
            nn.Flatten(),
            nn.Linear(flat + conditions, units, bias=False),
            normalise(norm, units, 1),
            relu(),
            nn.Linear(units, 1),
        )
        self.dense = next(i for i, layer in enumerate(self.verdict) if isinstance(layer, nn.Linear))

    def forward(self, x: Tensor, y: Tensor | None = None) -> Judged:
        dis_l = self.features(vivid(x, self.colour_gain))
        flat = self.verdict[: self.dense](dis_l)
        return Judged(widened(dis_l), widened(self.verdict[self.dense :](beside(flat, y)).squeeze(1)))


def beside(h: Tensor, y: Tensor | None) -> Tensor:
    """Return what a dense layer takes: h, and beside it the condition y (B, A) of a conditional network."""
    return h if y is None else torch.cat([h.flatten(1), y.to(h.dtype)], 1)


def parameter_count(network: nn.Module) -> int:
    """Count trainable numbers."""
    return sum(p.numel() for p in network.parameters())


def feature_count(image_size: int, width: float) -> int:
    """Return how many numbers Dis_l holds."""
    return map_count(image_size, width, stages_of(image_size).depth)


def map_count(image_size: int, width: float, depth: int) -> int:
    """Return how many numbers the discriminator's convolution at `depth`, counted from 1, gives."""
    return scaled(stages_of(image_size).discriminator[depth - 1], width) * math.ceil(image_size / 2 ** (depth - 1)) ** 2
