"""Sources whose answer is known: held-out images blurred or damaged on purpose."""

from collections.abc import Callable, Iterator

from torch import Tensor

from eval.blur import damages
from eval.blur.measures import gaussian_blur
from eval.sources.runs import BATCH, Source

KNOWN_SIGMAS = (0.5, 1.0, 2.0)  # px; what the instrument must recover from held-out images blurred on purpose
CONTROL_COUNT = 1000  # images a control or known-blur source uses: enough for an interval of about 0.01 px


def known_blur(images: Tensor, sigma: float) -> Source:
    """Held-out images blurred by a known Gaussian: the instrument must read `sigma`."""
    return Source(
        f"real-blur-{sigma:g}",
        f"Held-out, blurred {sigma:g} px",
        "blurred",
        len(images),
        lambda: (gaussian_blur(batch, sigma) for batch in images.split(BATCH)),
        originals=images,
        applied_sigma=sigma,
    )


def damaged(images: Tensor, seed: int) -> list[Source]:
    """Held-out images damaged in ways that are not blur: a sound measure still reads the blur put there, if any."""
    amplitude, sd = f"{damages.CHECKERBOARD_AMPLITUDE:g}", f"{damages.NOISE_SD:g}"
    rows = (
        ("real-contrast", f"Held-out, contrast × {damages.CONTRAST:g}", 0.0, damages.lower_contrast),
        ("real-checkerboard", f"Held-out + checkerboard {amplitude}", 0.0, damages.add_checkerboard),
        ("real-blur-1-noise", f"Held-out, blurred 1 px + noise {sd}", 1.0, damages.add_noise),
    )
    return [_control(images, seed, *row) for row in rows]


def _control(images: Tensor, seed: int, id: str, title: str, sigma: float, damage: Callable) -> Source:
    def batches() -> Iterator[Tensor]:
        for i, batch in enumerate(images.split(BATCH)):
            yield damage(gaussian_blur(batch, sigma) if sigma else batch, seed + i)

    return Source(id, title, "control", len(images), batches, originals=images, applied_sigma=sigma)
