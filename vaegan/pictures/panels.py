"""Pictures of a run on fixed inputs: what a person looks at while it trains."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.utils import make_grid

from vaegan import latent, posterior
from vaegan.model import prior_codes
from vaegan.pixels import to_float, to_uint8

SHOWN_PIXELS = 96  # small images are enlarged to about this, without smoothing: blur is what one looks for
COLUMNS = 8


class Panels:
    """Fixed held-out images and fixed codes, decoded anew at each call.

    Conditional networks are told `y` (N, A) of the images and `y_p` (64, A) of the codes.
    """

    def __init__(
        self,
        images: Tensor,
        latent_dim: int,
        device: torch.device,
        y: Tensor | None = None,
        y_p: Tensor | None = None,
    ):
        self.images, self.device = images, device
        self.y, self.y_p = (() if told is None else (told.to(device),) for told in (y, y_p))
        self.z = prior_codes(COLUMNS * COLUMNS, latent_dim, seed=0).to(device)

    @torch.no_grad()
    def draw(self, networks: dict[str, nn.Module], samples: Tensor) -> dict[str, Tensor]:
        """Return named uint8 pictures (3, H, W) of `samples()` and the fixed images, with networks in eval mode."""
        pictures = {"samples": picture(samples)}
        with evaluating(networks):
            if "encoder" in networks:
                x = to_float(self.images.to(self.device))
                mu, _ = networks["encoder"](x, *self.y)
                x_tilde = networks["decoder"](mu, *self.y)
                path = [latent.linear(ends[0], ends[min(1, len(ends) - 1)], COLUMNS) for ends in (mu, *self.y)]
                pictures["reconstructions"] = picture(triptych(self.images, to_uint8(x_tilde).cpu()))
                pictures["interpolation"] = picture(to_uint8(networks["decoder"](*path)).cpu())
        return pictures

    @torch.no_grad()
    def samples(self, networks: dict[str, nn.Module]) -> Tensor:
        """Return the fixed prior samples, uint8 (64, C, S, S)."""
        with evaluating(networks):
            return to_uint8(networks["decoder"](self.z, *self.y_p)).cpu()

    @torch.no_grad()
    def posteriors(self, networks: dict[str, nn.Module]) -> dict[str, Tensor]:
        """Return mu, sigma and the KL of each dimension over the fixed images, for histograms."""
        if "encoder" not in networks:
            return {}
        mu, logvar = encoded(networks, self.images.to(self.device), *self.y)
        return {"mu": mu, "sigma": (0.5 * logvar).exp(), "kl_by_dimension": posterior.kl_by_dimension(mu, logvar)}


@torch.no_grad()
def encoded(networks: dict[str, nn.Module], images: Tensor, *told: Tensor) -> tuple[Tensor, Tensor]:
    """Return mu and logvar (N, D) on the CPU of uint8 images, with networks in eval mode."""
    with evaluating(networks):
        mu, logvar = networks["encoder"](to_float(images), *told)
    return mu.cpu(), logvar.cpu()


class evaluating:
    """Put networks into eval mode for a block, and back as they were."""

    def __init__(self, networks: dict[str, nn.Module]):
        self.networks = networks

    def __enter__(self) -> None:
        self.modes = {name: network.training for name, network in self.networks.items()}
        for network in self.networks.values():
            network.eval()

    def __exit__(self, *_: object) -> None:
        for name, network in self.networks.items():
            network.train(self.modes[name])


def triptych(x: Tensor, x_tilde: Tensor) -> Tensor:
    """Interleave rows of originals, reconstructions and residuals (grey is zero, so blur shows as outlines)."""
    residual = ((x.float() - x_tilde.float()) / 2 + 127.5).round().byte()
    rows = [part for kind in zip(*(k.split(COLUMNS) for k in (x, x_tilde, residual)), strict=True) for part in kind]
    return torch.cat(rows)


def picture(images: Tensor, columns: int = COLUMNS) -> Tensor:
    """Lay uint8 images (N, C, S, S) out as one enlarged RGB picture (3, H, W)."""
    scale = max(1, SHOWN_PIXELS // images.shape[-1])
    rgb = images.expand(-1, 3, -1, -1) if images.shape[1] == 1 else images
    return make_grid(F.interpolate(rgb.float(), scale_factor=scale).byte(), nrow=columns, padding=2, pad_value=255)
