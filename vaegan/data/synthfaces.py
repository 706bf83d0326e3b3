"""The embedded data set: procedural portraits whose every pixel is a pure function of (seed, index), at any size.

Shapes are signed distances with analytic antialiasing; parameters do not depend on the size, so one face looks the
same at 32 and at 512. Strands, stitches, threads and freckles carry more entropy than a latent vector can.
"""

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from vaegan.data import facehair, faceparts, facewear
from vaegan.data.canvas import Canvas, Layer
from vaegan.data.facecode import ATTRIBUTES, FaceCode, facecode
from vaegan.data.facecode import attributes as _draw_attributes
from vaegan.errors import UsageError
from vaegan.pixels import to_uint8

__all__ = ["ATTRIBUTES", "attributes", "render"]

# Back to front; rows in the head frame.
_LAYERS = (
    Layer(faceparts.backdrop),
    Layer(facehair.back_hair),
    Layer(faceparts.neck, 0.2, 1.0),
    Layer(facewear.garment, 0.5, 1.0),
    Layer(facewear.necktie, 0.5, 1.0, "Wearing_Necktie"),
    Layer(faceparts.ears, -0.1, 0.16),
    Layer(faceparts.head, -0.6, 0.52),
    Layer(faceparts.cheeks, 0.04, 0.27),
    Layer(faceparts.freckles, -0.08, 0.28, "has_freckles"),
    Layer(faceparts.nose, -0.1, 0.22),
    Layer(faceparts.mouth, 0.15, 0.45),
    Layer(facehair.goatee, 0.30, 0.62, "Goatee"),
    Layer(facehair.mustache, 0.12, 0.34, "Mustache"),
    Layer(faceparts.eyes, -0.15, 0.08),
    Layer(facehair.brows, -0.25, -0.05),
    Layer(facehair.front_hair),
    Layer(facehair.bangs, -0.65, -0.05, "Bangs"),
    Layer(facewear.eyeglasses, -0.2, 0.15, "Eyeglasses"),
    Layer(facewear.earrings, 0.08, 0.30, "Wearing_Earrings"),
    Layer(facewear.hat, -0.9, -0.15, "Wearing_Hat"),
)
# Pixels drawn at a time: a few planes of this many floats stay in cache.
_CHUNK = 131072


def attributes(seed: int, indices: Iterable[int]) -> Tensor:
    """Return the attributes (N, A) uint8, 0 or 1 in the order of ATTRIBUTES, of images `indices` of `seed`."""
    return _draw_attributes(*_checked(seed, indices))


def render(seed: int, indices: Iterable[int], size: int, attributes: Tensor | None = None) -> Tensor:
    """Draw images `indices` of `seed`: (N, 3, size, size) uint8.

    `attributes` (N, A) replaces the drawn ones and leaves everything else as it was. Raises UsageError for a size
    below 16, a negative seed or index, or attributes of another shape.
    """
    seed, indices = _checked(seed, indices)
    if not isinstance(size, int) or size < 16:
        raise UsageError(f"image size {size!r} is too small for a face: use 16 or more")
    labels = _draw_attributes(seed, indices) if attributes is None else torch.as_tensor(attributes)
    if labels.shape != (len(indices), len(ATTRIBUTES)):
        raise UsageError(f"attributes of shape {tuple(labels.shape)}: expected ({len(indices)}, {len(ATTRIBUTES)})")
    images = torch.empty(len(indices), 3, size, size, dtype=torch.uint8)
    step = max(1, _CHUNK // size**2)
    with torch.inference_mode():
        for i in range(0, len(indices), step):
            images[i : i + step] = _draw(facecode(seed, indices[i : i + step], labels[i : i + step]), size)
    return images


def _draw(code: FaceCode, size: int) -> Tensor:
    """Paint the layers of one chunk and light the picture."""
    canvas = _blank(code, size)
    for layer in _LAYERS:
        canvas.draw(layer)
    light = 1 + canvas.x * code["light_x"] + canvas.y * code["light_y"]
    tint = torch.cat([1 + code["warmth"], torch.ones_like(code["warmth"]), 1 - code["warmth"]], dim=1).unsqueeze(-1)
    return to_uint8(canvas.rgb * (light.unsqueeze(1) * tint) * 2 - 1)


def _blank(code: FaceCode, size: int) -> Canvas:
    """Return an empty canvas with the head frame of every face's pose."""
    centres = (torch.arange(size, dtype=torch.float32) + 0.5) * (2 / size) - 1
    x, y = centres.view(1, 1, size), centres.view(1, size, 1)
    right, down = x - code["shift_x"], y - code["shift_y"] + 0.04
    cos, sin = torch.cos(code["tilt"]) / code["scale"], torch.sin(code["tilt"]) / code["scale"]
    u, v = right * cos + down * sin, down * cos - right * sin
    return Canvas(torch.empty(len(code.indices), 3, size, size), x, y, u, v, code, 2 / size)


def _checked(seed: int, indices: Iterable[int]) -> tuple[int, np.ndarray]:
    """Return a seed and int64 indices, both non-negative."""
    if not isinstance(seed, int | np.integer) or isinstance(seed, bool) or not 0 <= seed < 2**63:
        raise UsageError(f"seed {seed!r} is not a whole number from 0 to 2^63 - 1")
    array = np.asarray(indices if isinstance(indices, np.ndarray | Tensor) else list(indices))
    if array.ndim != 1 or (array.size and (array.dtype.kind not in "iu" or array.min() < 0)):
        raise UsageError("image indices must be a flat list of whole numbers, 0 or more")
    return int(seed), array.astype(np.int64)
