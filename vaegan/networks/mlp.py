"""Encoder and Decoder of jmetzen's VAE: 784-500-500-z and back, softplus, Xavier's uniform starting weights.

Images are flattened; the widths are those of the tutorial at `width` 1. There is no normalisation.
"""

from torch import Tensor, nn

from vaegan.networks.convolutional import scaled
from vaegan.networks.outputs import image_of, widened

HIDDEN = (500, 500)


class Encoder(nn.Module):
    """q(z|x): (B, C, S, S) in [-1, 1] -> mu (B, D), logvar (B, D)."""

    def __init__(self, channels: int, image_size: int, width: float, latent_dim: int, hidden: tuple[int, ...] = HIDDEN):
        super().__init__()
        units = [scaled(u, width) for u in hidden]
        self.hidden = softplus_layers([channels * image_size**2, *units])
        self.mu, self.logvar = xavier(nn.Linear(units[-1], latent_dim)), xavier(nn.Linear(units[-1], latent_dim))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = self.hidden((1 + x.flatten(1)) / 2)  # the original reads pixels in [0, 1]
        return widened(self.mu(h)), widened(self.logvar(h))


class Decoder(nn.Module):
    """Dec(z): (B, D) -> image (B, C, S, S) in [-1, 1]."""

    def __init__(self, channels: int, image_size: int, width: float, latent_dim: int):
        super().__init__()
        units = [scaled(u, width) for u in reversed(HIDDEN)]
        self.hidden = softplus_layers([latent_dim, *units])
        self.pixels = xavier(nn.Linear(units[-1], channels * image_size**2))
        self.shape = (channels, image_size, image_size)

    def forward(self, z: Tensor) -> Tensor:
        return image_of(self.logit(z))

    def logit(self, z: Tensor) -> Tensor:
        return widened(self.pixels(self.hidden(z))).unflatten(1, self.shape)


def softplus_layers(sizes: list[int]) -> nn.Sequential:
    """Return fully connected layers of these sizes, a softplus after each."""
    layers: list[nn.Module] = []
    for n_in, n_out in zip(sizes, sizes[1:], strict=False):
        layers += [xavier(nn.Linear(n_in, n_out)), nn.Softplus()]
    return nn.Sequential(*layers)


def xavier(layer: nn.Linear) -> nn.Linear:
    """Draw a layer's weights as Glorot & Bengio (2010) do, uniform in +-sqrt(6 / (in + out)); biases start at 0."""
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
