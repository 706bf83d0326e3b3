"""Encoder and Decoder of kvfrans/variational-autoencoder, the post's own code: 5x5 kernels, stride 2, 16-32 channels.

Deviation: the original's second head is a raw standard deviation, which may pass through zero, where its logarithm is
not finite; here it is the log variance. Weights start as the original's, normal with 0.02; biases at 0.
"""

from torch import Tensor, nn

from vaegan.networks.convolutional import KERNEL, PADDING, scaled
from vaegan.networks.outputs import image_of, widened

CHANNELS = (16, 32)
LEAK = 0.2
SPREAD = 0.02  # standard deviation of the starting weights; the original cuts the convolutions' at two of them


class Encoder(nn.Module):
    """q(z|x): (B, C, S, S) in [-1, 1] -> mu (B, D), logvar (B, D)."""

    def __init__(self, channels: int, image_size: int, width: float, latent_dim: int):
        super().__init__()
        outer, inner = (scaled(c, width) for c in CHANNELS)
        self.convolutions = nn.Sequential(
            nn.Conv2d(channels, outer, KERNEL, 2, PADDING),
            nn.LeakyReLU(LEAK),
            nn.Conv2d(outer, inner, KERNEL, 2, PADDING),
            nn.LeakyReLU(LEAK),
            nn.Flatten(),
        )
        flat = inner * (image_size // 4) ** 2
        self.mu, self.logvar = nn.Linear(flat, latent_dim), nn.Linear(flat, latent_dim)
        self.apply(start)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = self.convolutions((1 + x) / 2)  # the original reads pixels in [0, 1]
        return widened(self.mu(h)), widened(self.logvar(h))


class Decoder(nn.Module):
    """Dec(z): (B, D) -> image (B, C, S, S) in [-1, 1]."""

    def __init__(self, channels: int, image_size: int, width: float, latent_dim: int):
        super().__init__()
        outer, inner = (scaled(c, width) for c in CHANNELS)
        side = image_size // 4
        self.layers = nn.Sequential(
            nn.Linear(latent_dim, inner * side**2),
            nn.Unflatten(1, (inner, side, side)),
            nn.ReLU(),
            nn.ConvTranspose2d(inner, outer, KERNEL, 2, PADDING, output_padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(outer, channels, KERNEL, 2, PADDING, output_padding=1),
        )
        self.apply(start)

    def forward(self, z: Tensor) -> Tensor:
        return image_of(self.logit(z))

    def logit(self, z: Tensor) -> Tensor:
        return widened(self.layers(z))


def start(layer: nn.Module) -> None:
    """Draw a layer's starting weights, where it has any."""
    if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(layer.weight, std=SPREAD)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
