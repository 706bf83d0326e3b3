"""A batch of pictures under construction: antialiased shapes painted over one another, row windows to save work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from torch import Tensor

from vaegan.data.facecode import FaceCode

# How far a face can move from its canonical rows: largest scale, largest tilt, largest shift, in canvas units.
_REACH = 0.16


@dataclass
class Canvas:
    """Colours, coordinates and codes of a batch of faces; the canvas is [-1, 1] wide and high, x right, y down."""

    rgb: Tensor  # (n, 3, h, w) in [0, 1]
    x: Tensor  # (1, 1, w) pixel centres
    y: Tensor  # (1, h, 1)
    u: Tensor  # (n, h, w) head frame: x and y after pose, origin between the eyes and the nose
    v: Tensor
    code: FaceCode
    pixel: float  # pixel width in canvas units; head-frame units differ by the scale, at most 8 %
    flow: tuple[Tensor, Tensor] | None = None  # see facehair; kept from the first layer of hair to the second

    def paint(self, coverage: Tensor, colour: Tensor) -> None:
        """Blend `colour` (n, 3, 1, 1) or (n, 3, h, w) over the picture where `coverage` (n, h, w) says."""
        self.rgb.lerp_(colour, coverage.unsqueeze(1))

    def darken(self, amount: Tensor) -> None:
        """Multiply the picture by 1 - amount (n, h, w)."""
        self.rgb.mul_((1 - amount).unsqueeze(1))

    def fill(self, distance: Tensor) -> Tensor:
        """Coverage in [0, 1] of the shape {distance < 0}: a ramp one pixel wide, the box filter of a straight edge."""
        return distance.mul(-1 / self.pixel).add_(0.5).clamp_(0, 1)

    def draw(self, layer: Layer) -> None:
        """Run one layer on its rows, for the faces that have it.

        Rows never depend on the faces at hand, so a face's pixels do not depend on its batch.
        """
        size = self.y.shape[1]
        first = max(0, int((layer.top - _REACH + 1) / 2 * size))
        rows = slice(first, min(size, int((layer.bottom + _REACH + 1) / 2 * size) + 1))
        part = replace(self, rgb=self.rgb[:, :, rows], y=self.y[:, rows], u=self.u[:, rows], v=self.v[:, rows])
        if layer.only is None:
            layer.paint(self if rows == slice(0, size) else replace(part, flow=None))
            return
        chosen = self.code[layer.only].flatten().nonzero()[:, 0]
        if len(chosen):
            copy = replace(part, rgb=part.rgb[chosen], u=part.u[chosen], v=part.v[chosen], code=self.code.rows(chosen), flow=None)
            layer.paint(copy)
            self.rgb[chosen, :, rows] = copy.rgb


@dataclass(frozen=True)
class Layer:
    """A part of the picture: how to paint it, the head-frame rows it can reach, the code that switches it on."""

    paint: Callable[[Canvas], None]
    top: float = -2.0
    bottom: float = 2.0
    only: str | None = None
