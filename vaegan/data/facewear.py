"""What the synthetic faces wear: a knitted garment, necktie, glasses, earrings, hats."""

import torch
from torch import Tensor

from vaegan.data.canvas import Canvas
from vaegan.data.facehair import face_frame
from vaegan.data.faceparts import WHITE, ellipse
from vaegan.data.hashing import noise
from vaegan.data.texture import fade, sample

_STITCH = 0.09  # width of a knit cell: 1.4 pixels of 32
_CELLS = 24


def garment(canvas: Canvas) -> None:
    """Shoulders in knitwear with a ribbed collar."""
    code = canvas.code
    x, y = _body(canvas)
    d = 0.585 + 0.16 * x.square() + 0.9 * (x.abs() - 0.62).clamp(min=0).square() - y
    collar = ellipse(x, y - 0.56, 0.235, 0.135)
    cloth = _knit(canvas, x, y, 400, code["garment"], code["garment_accent"], code["stripes"])
    shape = torch.maximum(d, -collar)
    canvas.paint(canvas.fill(shape), cloth)
    rim = torch.maximum(collar.abs() - 0.035, 0.55 - y)
    canvas.paint(canvas.fill(rim), code["garment"] * 0.72)


def necktie(canvas: Canvas) -> None:
    """A white shirt front with collar points and a tie."""
    code = canvas.code
    x, y = _body(canvas)
    front = torch.maximum(x.abs() - 0.30 + (y - 0.56) * 0.45, 0.60 - y)
    canvas.paint(canvas.fill(front), WHITE)
    flap = torch.maximum((x.abs() - 0.13).abs() + (y - 0.66).abs() * 0.9 - 0.11, -front * 0 - 1)
    canvas.darken(canvas.fill(flap.abs() - 0.008) * 0.25)
    knot = torch.maximum(x.abs() - 0.085 + (y - 0.64) * 0.5, (y - 0.69).abs() - 0.055)
    blade = torch.maximum(x.abs() - 0.055 - (y - 0.74) * 0.25, 0.735 - y)
    bands = ((x + y) * 9).frac().sub(0.5).abs().sub(0.25).mul(1 / 9)
    tie = torch.lerp(code["tie"] * 0.8, code["jewel"], canvas.fill(bands).unsqueeze(1) * 0.6)
    canvas.paint(canvas.fill(torch.minimum(knot, blade) - 0.012) * 0.6, code["tie"] * 0.35)
    canvas.paint(canvas.fill(torch.minimum(knot, blade)), tie)


def eyeglasses(canvas: Canvas) -> None:
    """Round or rectangular frames with a bridge, temples and a glint."""
    code = canvas.code
    u, v = face_frame(canvas)
    a, v = u.abs() - code["eye_gap"] - 0.008, v + 0.02
    round_ = ellipse(a, v, 0.152, 0.145)
    box = _box(a, v, 0.15, 0.105, 0.05)
    lens = torch.where(code["round_glasses"] > 0, round_, box)
    glint = torch.maximum(((a + v) * 0.7 + 0.03).abs() - 0.025, lens + 0.03)
    canvas.paint(canvas.fill(lens) * 0.13, WHITE)
    canvas.paint(canvas.fill(glint) * 0.22, WHITE)
    bridge = torch.maximum((v + 0.03 - 2 * u.square()).abs() - 0.014, u.abs() - 0.06)
    temple = torch.maximum((v + 0.03).abs() - 0.016, 0.15 - a)
    temple = torch.maximum(temple, canvas.u.abs() - code["face_width"] - 0.02)
    frame = torch.minimum(torch.minimum(lens.abs() - 0.019, bridge), temple)
    canvas.paint(canvas.fill(frame), code["frame"])


def earrings(canvas: Canvas) -> None:
    """A drop under each ear."""
    code = canvas.code
    u = (canvas.u + 0.03 * code["turn"]).abs() - code["face_width"] - 0.012
    v = canvas.v - 0.215
    drop = torch.sqrt(u.square() + v.square()) - 0.062
    stem = torch.maximum(u.abs() - 0.012, (v + 0.08).abs() - 0.04)
    canvas.paint(canvas.fill(torch.minimum(drop, stem) - 0.016), code["jewel"] * 0.45)
    canvas.paint(canvas.fill(torch.minimum(drop, stem)), code["jewel"])
    canvas.paint(canvas.fill(torch.sqrt((u + 0.018).square() + (v + 0.02).square()) - 0.016) * 0.9, WHITE)


def hat(canvas: Canvas) -> None:
    """A knitted beanie with a folded band, or a felt hat with a brim and a ribbon."""
    code, u, v = canvas.code, canvas.u, canvas.v
    brimmed = code["brimmed"] > 0
    dome = torch.maximum(ellipse(u, v + 0.28, 0.56 + code["hair_volume"], 0.46), v + 0.30)
    crown = _box(u / (1.0 + 0.25 * (v + 0.5)), v + 0.50, 0.45, 0.27, 0.14)
    cuff = _box(u, v + 0.355 - 0.12 * u.square(), 0.575 + code["hair_volume"], 0.085, 0.06)
    brim = ellipse(u, v + 0.33 - 0.12 * u.square(), 0.80, 0.085)
    ribbon = torch.maximum(crown, (v + 0.43).abs() - 0.05)
    top, edge = torch.where(brimmed, crown, dome), torch.where(brimmed, brim, cuff)
    canvas.darken(canvas.fill(edge - 0.045) * 0.3)
    knit = _knit(canvas, u, v, 420, code["hat"], code["hat_accent"], code["stripes"] * 0 - 1)
    canvas.paint(canvas.fill(top), knit)
    canvas.paint(canvas.fill(ribbon) * brimmed, code["hat_accent"])
    rib = _knit(canvas, u, v * 0.2, 440, code["hat"] * 0.85, code["hat_accent"], code["stripes"] * 0 - 1)
    canvas.darken(canvas.fill(edge - 0.02) * 0.4)
    canvas.paint(canvas.fill(edge), rib)


def _body(canvas: Canvas) -> tuple[Tensor, Tensor]:
    """Return coordinates of the body, which follows the head's shift but not its tilt."""
    return canvas.x - 0.7 * canvas.code["shift_x"], canvas.y - canvas.code["shift_y"]


def _box(u: Tensor, v: Tensor, wide: float | Tensor, high: float, corner: float) -> Tensor:
    """Distance to a box with rounded corners, half sizes `wide` and `high`."""
    p, q = u.abs() - (wide - corner), v.abs() - (high - corner)
    return torch.sqrt(p.clamp(min=0).square() + q.clamp(min=0).square()) + torch.maximum(p, q).clamp(max=0) - corner


def _knit(canvas: Canvas, x: Tensor, y: Tensor, stream: int, base: Tensor, accent: Tensor, stripes: Tensor) -> Tensor:
    """Return colours (n, 3, h, w) of stitches, V over V, each with a tone of its own.

    The table of tones is read between cell centres with a ramp one pixel wide: a box filter over crisp cells.
    """
    code = canvas.code
    i, leg = x / _STITCH + _CELLS / 2, None
    side = (i - i.floor() - 0.5).abs()
    j = y / _STITCH + side * 0.9 * fade(_STITCH / 2, canvas.pixel) + _CELLS / 2
    cells = noise(code.seed, code.indices, stream, (1, _CELLS, _CELLS))
    sharp = _STITCH / canvas.pixel
    column, row = _snap(i - 0.5, sharp), _snap(j - 0.5, sharp)
    tone = sample(cells, column * (2 / (_CELLS - 1)) - 1, row * (2 / (_CELLS - 1)) - 1)[:, 0]
    leg = (j - j.floor() - 0.5).abs() * side * (fade(_STITCH / 2, canvas.pixel) * 1.6)
    striped = ((row * 0.25).frac().sub(0.5).abs() > 0.25) * (stripes > 0)
    colour = torch.lerp(base, accent, (striped * 0.75 + (tone * code["knit_contrast"]).clamp(min=0)).clamp(0, 1).unsqueeze(1))
    return colour * (1 + tone * code["knit_contrast"] * 1.5 - leg).unsqueeze(1)


def _snap(place: Tensor, sharp: float) -> Tensor:
    """Move fractional cell positions towards the nearest cell, leaving a ramp one pixel wide at the borders."""
    low = place.floor()
    return low + ((place - low - 0.5) * max(sharp, 1.0) + 0.5).clamp_(0, 1)
