"""Band-limited random textures: strands, threads and cells, hashed per image, fading out before they would alias.

An octave whose cells are `c` pixels wide has wavelength 2c; it is at full strength from 2.5 pixels and gone at 2.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from vaegan.data.facecode import FaceCode
from vaegan.data.hashing import noise

_OCTAVES = 6  # fine enough for 1,024 pixels


def fade(cell: float, pixel: float) -> float:
    """Return the strength in [0, 1] that an octave of cells `cell` wide deserves at this pixel width."""
    return min(1.0, max(0.0, (2 * cell / pixel - 2.0) / 0.5))


def strands(code: FaceCode, stream: int, along: int, across: int, cell: float, pixel: float, falloff: float) -> Tensor:
    """Sum octaves of value noise that double in frequency across the strands only.

    Returns (n, 1, along + 1, across * 2^k + 1) nodes for bilinear sampling; `cell` is the first octave's width in
    canvas units. Piecewise linear on nested grids, so the same function at every size.
    """
    strength = [fade(cell / 2**k, pixel) * falloff**k for k in range(_OCTAVES)]
    last = max((k for k in range(_OCTAVES) if strength[k] > 0), default=0)
    width = across * 2**last + 1
    table = torch.zeros(len(code.indices), along + 1, width)
    for k in range(last + 1):
        nodes = noise(code.seed, code.indices, stream + k, (along + 1, across * 2**k + 1))
        table += strength[k] * F.interpolate(nodes, size=width, mode="linear", align_corners=True)
    return table.unsqueeze(1)


def sample(table: Tensor, column: Tensor, row: Tensor, mode: str = "bilinear") -> Tensor:
    """Read tables (n, C, R, K) at fractional positions (n, h, w) given in [-1, 1] over columns and rows; (n, C, h, w)."""
    grid = torch.stack(torch.broadcast_tensors(column, row), dim=-1)
    return F.grid_sample(table, grid, mode=mode, padding_mode="border", align_corners=True)


def spread(nodes: Tensor, size: int) -> Tensor:
    """Interpolate the last axis, (..., K) nodes, linearly at `size` pixel centres of an axis-aligned canvas."""
    last = nodes.shape[-1] - 1
    place = (torch.arange(size) + 0.5) * (last / size)
    low = place.long().clamp(max=last - 1)
    return torch.lerp(nodes[..., low], nodes[..., low + 1], place - low)
