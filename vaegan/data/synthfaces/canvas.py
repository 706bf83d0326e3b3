"""A batch of pictures under construction: antialiased shapes painted over one another, on the rows they can reach."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from vaegan.data.synthfaces.facecode import HEAD_Y, FaceCode
from vaegan.data.synthfaces.texture import strands


@dataclass(frozen=True)
class Canvas:
    """Colours, coordinates and codes of a batch of faces; the canvas is [-1, 1] wide and high, x right, y down."""

    rgb: Tensor  # (n, 3, h, w) in [0, 1], painted in place
    x: Tensor  # (1, 1, w) pixel centres
    y: Tensor  # (1, h, 1)
    u: Tensor  # (n, h, w) head frame: x and y after pose, origin between the eyes and the nose
    v: Tensor
    code: FaceCode
    pixel: float  # pixel width in canvas units; head-frame units differ from them by the scale
    strands: Tensor  # (n, 1, T, S) table of hair strands, see texture.py

    @classmethod
    def blank(cls, code: FaceCode, size: int) -> Canvas:
        """Return an unpainted canvas of `size` pixels with every face's pose."""
        centres = (torch.arange(size, dtype=torch.float32) + 0.5) * (2 / size) - 1
        x, y = centres.view(1, 1, size), centres.view(1, size, 1)
        right, down = x - code["shift_x"], y - code["shift_y"] - HEAD_Y
        cos, sin = torch.cos(code["tilt"]) / code["scale"], torch.sin(code["tilt"]) / code["scale"]
        u, v = right * cos + down * sin, down * cos - right * sin
        rgb = torch.empty(len(code), 3, size, size)
        return cls(rgb, x, y, u, v, code, 2 / size, strands(code, 2 / size))

    def paint(self, coverage: Tensor, colour: Tensor) -> None:
        """Blend `colour` (n, 3, 1, 1) or (n, 3, h, w) over the picture where `coverage` (n, h, w) says."""
        self.rgb.lerp_(colour, coverage.unsqueeze(1))

    def darken(self, amount: Tensor) -> None:
        """Multiply the picture by 1 - amount (n, h, w)."""
        self.rgb.mul_((1 - amount).unsqueeze(1))

    def fill(self, distance: Tensor) -> Tensor:
        """Coverage in [0, 1] of the shape {distance < 0}: a ramp one pixel wide, the box filter of a straight edge."""
        return distance.mul(-1 / self.pixel).add_(0.5).clamp_(0, 1)

    def face_frame(self) -> tuple[Tensor, Tensor]:
        """Return (n, h, w) coordinates on the front of the face: turned and nodded, the far side foreshortened."""
        turn = self.code["turn"]
        u = self.u - 0.06 * turn
        return u * (1 + 0.28 * turn * u), self.v - self.code["nod"]

    def body_frame(self) -> tuple[Tensor, Tensor]:
        """Return coordinates (n, 1, w), (n, h, 1) of the body, which follows the head's shift but not its tilt."""
        return self.x - 0.7 * self.code["shift_x"], self.y - self.code["shift_y"]

    def draw(self, layer: Layer) -> None:
        """Paint one layer on its rows, for the faces that have it."""
        size = self.y.shape[1]
        rows = slice(max(0, int((layer.top + 1) / 2 * size)), min(size, int((layer.bottom + 1) / 2 * size) + 1))
        part = replace(self, rgb=self.rgb[:, :, rows], y=self.y[:, rows], u=self.u[:, rows], v=self.v[:, rows])
        if layer.only is None:
            layer.paint(part)
            return
        chosen = self.code[layer.only].flatten().nonzero()[:, 0]
        if len(chosen):
            copy = part._chosen(chosen)
            layer.paint(copy)
            self.rgb[chosen, :, rows] = copy.rgb

    def _chosen(self, chosen: Tensor) -> Canvas:
        """Return a copy that holds the faces at positions `chosen`."""
        faces = {name: getattr(self, name)[chosen] for name in ("rgb", "u", "v", "code", "strands")}
        return replace(self, **faces)


@dataclass(frozen=True)
class Layer:
    """A part of the picture: how to paint it, the canvas rows it can reach, the code that switches it on."""

    paint: Callable[[Canvas], None]
    top: float = -1.0
    bottom: float = 1.0
    only: str | None = None


def between(start: Tensor, end: Tensor, t: Tensor) -> Tensor:
    """Blend colours (n, 3, 1, 1) by planes t (n, h, w), also outside [0, 1]; (n, 3, h, w)."""
    return (t.unsqueeze(1) * (end - start)).add_(start)  # torch.lerp is not vectorised for two broadcast ends


def ellipse(u: Tensor, v: Tensor, wide: float | Tensor, high: float | Tensor) -> Tensor:
    """Distance to an axis-aligned ellipse, right to first order at its edge."""
    return ((u / wide).square() + (v / high).square()).sub_(1).mul_((wide + high) / 4)


def box(u: Tensor, v: Tensor, wide: float | Tensor, high: float, corner: float) -> Tensor:
    """Distance to a box of half sizes `wide` and `high` with rounded corners."""
    p, q = u.abs() - (wide - corner), v.abs() - (high - corner)
    outside = torch.sqrt(p.clamp(min=0).square() + q.clamp(min=0).square())
    return outside.add_(torch.maximum(p, q).clamp_(max=0)).sub_(corner)
