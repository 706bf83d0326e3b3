"""The embedded data set: procedural portraits whose every pixel is a pure function of (seed, index), at any size.

Shapes are signed distances with analytic antialiasing; parameters do not depend on the size, so one face looks the
same at 32 and at 512. Strands, stitches, tiles and freckles carry more entropy than a latent vector can.

The drawing is frozen: every published figure was measured on these pixels, and a change of any needs new runs.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from vaegan.data.synthfaces import clothes, features, hair
from vaegan.data.synthfaces.canvas import Canvas, Layer
from vaegan.data.synthfaces.facecode import ATTRIBUTES, FaceCode, facecode, posed_rows
from vaegan.data.synthfaces.facecode import attributes as _draw_attributes
from vaegan.errors import UsageError
from vaegan.pixels import to_uint8

__all__ = ["ATTRIBUTES", "attributes", "render"]

# Back to front. Rows never depend on the faces at hand, so a face's pixels do not depend on its batch.
_LAYERS = (
    Layer(features.backdrop),
    Layer(hair.back_hair, *posed_rows(0.05, 0.75), "long_hair"),
    Layer(clothes.garment, 0.40),
    Layer(features.neck, *posed_rows(0.2, 0.8)),
    Layer(clothes.collar, 0.45, 0.85),
    Layer(clothes.necktie, 0.50, 1.0, "Wearing_Necktie"),
    Layer(features.ears, *posed_rows(-0.10, 0.16)),
    Layer(features.head, *posed_rows(-0.60, 0.52)),
    Layer(features.cheeks, *posed_rows(0.04, 0.27, 0.36)),
    Layer(features.freckles, *posed_rows(-0.08, 0.28, 0.36), "has_freckles"),
    Layer(features.nose, *posed_rows(-0.10, 0.22, 0.36)),
    Layer(features.mouth, *posed_rows(0.15, 0.45, 0.36)),
    Layer(hair.goatee, *posed_rows(0.30, 0.62, 0.36), "Goatee"),
    Layer(hair.mustache, *posed_rows(0.12, 0.36, 0.36), "Mustache"),
    Layer(features.eyes, *posed_rows(-0.15, 0.08, 0.36)),
    Layer(hair.brows, *posed_rows(-0.26, -0.04, 0.36)),
    Layer(hair.short_hair, *posed_rows(-0.70, 0.10), "short_hair"),
    Layer(hair.long_hair, *posed_rows(-0.75, 0.75), "long_hair"),
    Layer(hair.bangs, *posed_rows(-0.65, -0.05), "Bangs"),
    Layer(clothes.round_glasses, *posed_rows(-0.20, 0.16), "has_round_glasses"),
    Layer(clothes.square_glasses, *posed_rows(-0.20, 0.16), "has_square_glasses"),
    Layer(clothes.earrings, *posed_rows(0.08, 0.30), "Wearing_Earrings"),
    Layer(clothes.beanie, *posed_rows(-0.80, -0.15), "has_beanie"),
    Layer(clothes.brimmed_hat, *posed_rows(-0.82, -0.10), "has_brimmed_hat"),
)
# Pixels drawn at a time: more costs cache misses and page faults, fewer leaves the overhead of small operations.
_CHUNK = 262144


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
        raise UsageError(f"image size {size!r}: a face needs a whole number of pixels, 16 or more")
    labels = None if attributes is None else torch.as_tensor(attributes)
    if labels is not None and labels.shape != (len(indices), len(ATTRIBUTES)):
        raise UsageError(f"attributes of shape {tuple(labels.shape)}: expected ({len(indices)}, {len(ATTRIBUTES)})")
    images = torch.empty(len(indices), 3, size, size, dtype=torch.uint8)
    step = max(1, min(_CHUNK // size**2, -(-len(indices) // torch.get_num_threads())))

    def fill(start: int) -> None:
        part = slice(start, start + step)
        drawn = _draw_attributes(seed, indices[part]) if labels is None else labels[part]
        with torch.inference_mode():
            images[part] = _draw(facecode(seed, indices[part], drawn), size)

    _in_threads(fill, range(0, len(indices), step))
    return images


def _in_threads(task: Callable[[int], None], starts: range) -> None:
    """Run a task for every start, one thread of torch to a chunk.

    Hundreds of small operations a chunk: threads that meet after each of them would mostly wait, the more so on a
    busy machine. Every worker sets torch's thread count, which new threads inherit, so it is put back at the end.
    """
    workers = torch.get_num_threads()
    if workers == 1 or len(starts) == 1:
        for start in starts:
            task(start)
        return
    try:
        with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            for _ in pool.map(task, starts):
                pass
    finally:
        torch.set_num_threads(workers)


def _draw(code: FaceCode, size: int) -> Tensor:
    """Paint the layers of one chunk and light the picture: (n, 3, size, size) uint8."""
    canvas = Canvas.blank(code, size)
    for layer in _LAYERS:
        canvas.draw(layer)
    light = canvas.x * code["light_x"] + (canvas.y * code["light_y"] + 1)
    tint = torch.cat([1 + code["warmth"], torch.ones_like(code["warmth"]), 1 - code["warmth"]], dim=1).unsqueeze(-1)
    return to_uint8(canvas.rgb.mul_(light.unsqueeze(1) * (2 * tint)).sub_(1))


def _checked(seed: int, indices: Iterable[int]) -> tuple[int, np.ndarray]:
    """Return a seed and int64 indices, both non-negative."""
    if not isinstance(seed, int | np.integer) or isinstance(seed, bool) or not 0 <= seed < 2**63:
        raise UsageError(f"seed {seed!r} is not a whole number from 0 to 2^63 - 1")
    array = np.asarray(indices if isinstance(indices, np.ndarray | Tensor) else list(indices))
    if array.ndim != 1 or (array.size and (array.dtype.kind not in "iu" or array.min() < 0)):
        raise UsageError("image indices must be a flat list of whole numbers, 0 or more")
    return int(seed), array.astype(np.int64)
