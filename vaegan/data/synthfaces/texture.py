"""Band-limited random textures: strands, tiles and stitches, hashed per image, fading out before they would alias."""

import torch
from torch import Tensor
from torch.nn import functional as F

from vaegan.data.synthfaces.facecode import FaceCode
from vaegan.data.synthfaces.hashing import noise

STRAND = 0.08  # width of the coarsest strand of hair: 1.3 pixels of 32
SPAN, RUN = 1.28, 1.5  # half extents of the strand field, across and along
_OCTAVES = 6  # fine enough for 1,024 pixels


def fade(cell: float, pixel: float) -> float:
    """Return the strength in [0, 1] of cells `cell` wide at this pixel width: none at 1 pixel, full at 1.25.

    Cells of c pixels have wavelength 2c, so nothing shorter than two pixels is drawn.
    """
    return min(1.0, max(0.0, (cell / pixel - 1.0) / 0.25))


def octaves(cell: float, pixel: float, falloff: float) -> list[float]:
    """Return the strengths of octaves that start at `cell` and halve, as many as this pixel width shows."""
    strengths = [fade(cell / 2**k, pixel) * falloff**k for k in range(_OCTAVES)]
    return [strength for strength in strengths if strength > 0]


def strands(code: FaceCode, pixel: float) -> Tensor:
    """Return the hair's value noise, (n, 1, 11, S) nodes: octaves that double across the strands only.

    Piecewise linear on nested grids, so it is the same function at every size.
    """
    strengths = octaves(STRAND, pixel, 0.8)
    cells = 2 * round(SPAN / STRAND)
    width = cells * 2 ** max(len(strengths) - 1, 0) + 1
    table = torch.zeros(len(code), 11, width)
    for k, strength in enumerate(strengths):
        nodes = noise(code.seed, code.indices, 100 + k, (11, cells * 2**k + 1))
        table += strength * F.interpolate(nodes, size=width, mode="linear", align_corners=True)
    return table.unsqueeze(1)


def sample(table: Tensor, column: Tensor, row: Tensor, mode: str = "bilinear") -> Tensor:
    """Read tables (n, C, R, K) at (n, h, w) positions, [-1, 1] from first to last column and row; (n, C, h, w)."""
    grid = torch.stack(torch.broadcast_tensors(column, row), dim=1)  # planar: four times faster than interleaved
    return F.grid_sample(table, grid.permute(0, 2, 3, 1), mode=mode, padding_mode="border", align_corners=True)


def spread_nodes(nodes: Tensor, size: int, dim: int) -> Tensor:
    """Interpolate K nodes along `dim`, edge to edge, linearly at the `size` pixel centres of an axis of the canvas."""
    last = nodes.shape[dim] - 1
    place = (torch.arange(size) + 0.5) * (last / size)
    low = place.long().clamp(max=last - 1)
    return _mix(nodes, low, low + 1, place - low, dim)


def spread_cells(cells: Tensor, size: int, dim: int) -> Tensor:
    """Give each of `size` pixels the mean of the K constant cells under it along `dim`; cells are a pixel or wider."""
    count = cells.shape[dim]
    edge = (torch.arange(size) + 0.5) * (count / size)  # in cells
    nearest = edge.round()
    right = ((edge - nearest) * max(size / count, 1.0) + 0.5).clamp(0, 1)
    low, high = (nearest - 1).clamp(min=0).long(), nearest.clamp(max=count - 1).long()
    return _mix(cells, low, high, right, dim)


def snap(place: Tensor, cell: float, pixel: float) -> Tensor:
    """Move fractional cell positions (whole at centres) to the nearest centre, but for a pixel-wide ramp between two.

    Sampled bilinearly there, a table looks like crisp cells under a box filter.
    """
    low = place.floor()
    return low + ((place - low - 0.5) * max(cell / pixel, 1.0) + 0.5).clamp_(0, 1)


def _mix(table: Tensor, low: Tensor, high: Tensor, weight: Tensor, dim: int) -> Tensor:
    """Interpolate between two index lists along `dim`."""
    shape = [1] * table.ndim
    shape[dim] = -1
    return torch.lerp(table.index_select(dim, low), table.index_select(dim, high), weight.view(shape))
