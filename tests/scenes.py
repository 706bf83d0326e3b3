"""Images with known content for tests: discs and bars on a ramp."""

import numpy as np
import torch


def scenes(n: int, seed: int) -> torch.Tensor:
    """Discs and bars of random size, place and grey on a ramp, antialiased a little: uint8 (n, 1, 32, 32)."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:32, :32]
    images = np.empty((n, 32, 32))
    for image in images:
        image[:] = rng.uniform(0.2, 0.8) + rng.uniform(-0.01, 0.01) * rows
        for _ in range(4):
            top, left, radius = rng.uniform(4, 28), rng.uniform(4, 28), rng.uniform(2, 8)
            inside = np.hypot(rows - top, columns - left) if rng.random() < 0.5 else np.abs(rows - top + columns - left)
            image += rng.uniform(-0.4, 0.4) * np.clip(radius - inside + 0.5, 0, 1)
    return torch.from_numpy(np.clip(images, 0, 1) * 255).round().byte()[:, None]


IMAGES = 120  # of each half


def halves() -> tuple[torch.Tensor, torch.Tensor]:
    """Scenes that calibrate, and as many others to be read."""
    images = scenes(2 * IMAGES, seed=0)
    return images[:IMAGES], images[IMAGES:]
