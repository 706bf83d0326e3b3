"""The price of sharpness: how far reconstructions are from their originals, per image, through torchmetrics."""

from torch import Tensor
from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure

RANGE = 255.0  # uint8 levels
TITLES = {"pixel_error": "Pixel error", "psnr": "PSNR", "ssim": "SSIM"}
UNITS = {"pixel_error": "levels of 255, root mean square", "psnr": "dB", "ssim": "0..1"}


def pixel_error(images: Tensor, originals: Tensor) -> Tensor:
    """Root mean squared difference in levels of 0..255; uint8 (N, C, H, W) twice -> float64 (N,); lower is better."""
    return (images.double() - originals.double()).square().mean(dim=(1, 2, 3)).sqrt()


def psnr(images: Tensor, originals: Tensor) -> Tensor:
    """Peak signal-to-noise ratio in dB; uint8 (N, C, H, W) twice -> float64 (N,); inf where the images are equal."""
    return peak_signal_noise_ratio(
        images.double(), originals.double(), data_range=RANGE, reduction="none", dim=(1, 2, 3)
    )


def ssim(images: Tensor, originals: Tensor) -> Tensor:
    """Structural similarity (Wang et al. 2004, Gaussian window of sd 1.5); uint8 (N, C, H, W) twice -> float64 (N,)."""
    scores = structural_similarity_index_measure(images.float(), originals.float(), data_range=RANGE, reduction="none")
    assert isinstance(scores, Tensor)  # a pair only where it is asked for the whole map
    return scores.double()


def measure(images: Tensor, originals: Tensor) -> dict[str, Tensor]:
    """Every quality figure of a batch, by name: uint8 (N, C, H, W) twice -> {name: float64 (N,)}."""
    return {
        "pixel_error": pixel_error(images, originals),
        "psnr": psnr(images, originals),
        "ssim": ssim(images, originals),
    }
