"""What the synthetic faces wear: knitwear, neckties, glasses, earrings, hats."""

import torch
from torch import Tensor

from vaegan.data.synthfaces.canvas import Canvas, between, box, ellipse
from vaegan.data.synthfaces.features import COLLAR, neckline
from vaegan.data.synthfaces.hashing import noise
from vaegan.data.synthfaces.texture import fade, sample, snap

_STITCH = 0.09  # width of a stitch: 1.4 pixels of 32
_CELLS = 24  # stitches across and down a table


def garment(canvas: Canvas) -> None:
    """Shoulders in knitwear, and the collar's rim behind the neck."""
    code = canvas.code
    x, y = canvas.body_frame()
    slope = 0.16 * x.square() + 0.9 * (x.abs() - 0.66).clamp(min=0).square()
    cloth = _knit(canvas, x, y, 400, "garment", 0.75 * (code["stripes"] > 0))
    canvas.paint(canvas.fill(slope + COLLAR + 0.025 - y), cloth)
    canvas.paint(canvas.fill(neckline(x, y) - 0.04), code["garment"] * 0.55)


def collar(canvas: Canvas) -> None:
    """The collar's rim in front of the neck."""
    x, y = canvas.body_frame()
    rim = torch.maximum((neckline(x, y) - 0.015).abs() - 0.028, COLLAR - 0.01 - y)
    canvas.paint(canvas.fill(rim), canvas.code["garment"] * 0.75)


def necktie(canvas: Canvas) -> None:
    """A white shirt front with collar points and a striped tie."""
    code = canvas.code
    x, y = canvas.body_frame()
    side, y = x.abs(), y - COLLAR
    front = torch.maximum(torch.maximum(side - 0.29 + y * 0.45, 0.0 - y), -neckline(x, y + COLLAR) - 0.02)
    canvas.paint(canvas.fill(front), code["shirt"])
    edge = (side - 0.09) * 0.72 + (y - 0.20) * 0.69
    canvas.darken(canvas.fill(torch.maximum((edge.abs() - 0.009), front)) * 0.3)
    knot = torch.maximum(side - 0.085 + (y - 0.12) * 0.5, (y - 0.15).abs() - 0.055)
    blade = torch.maximum(side - 0.055 - (y - 0.20) * 0.25, 0.195 - y)
    tie = torch.minimum(knot, blade)
    bands = ((x + y) * 9).frac_().sub_(0.5).abs_().sub_(0.25).mul_(1 / 9)
    canvas.paint(canvas.fill(tie - 0.012) * 0.6, code["tie"] * 0.35)
    canvas.paint(canvas.fill(tie), between(code["tie"] * 0.85, code["jewel"], canvas.fill(bands) * 0.6))


def round_glasses(canvas: Canvas) -> None:
    """Glasses with round lenses."""
    u, v = canvas.face_frame()
    a = u.abs() - canvas.code["eye_gap"] - 0.008
    _glasses(canvas, u, v, a, ellipse(a, v + 0.02, 0.152, 0.145))


def square_glasses(canvas: Canvas) -> None:
    """Glasses with rectangular lenses."""
    u, v = canvas.face_frame()
    a = u.abs() - canvas.code["eye_gap"] - 0.008
    _glasses(canvas, u, v, a, box(a, v + 0.02, 0.15, 0.105, 0.05))


def earrings(canvas: Canvas) -> None:
    """A drop under each ear."""
    code = canvas.code
    u = (canvas.u + 0.03 * code["turn"]).abs() - code["face_width"] - 0.012
    v = canvas.v - 0.215
    drop = torch.sqrt(u.square() + v.square()) - 0.058
    stem = torch.maximum(u.abs() - 0.007, (v + 0.07).abs() - 0.02)
    canvas.paint(canvas.fill(drop - 0.012), code["jewel"] * 0.45)
    canvas.paint(canvas.fill(torch.minimum(drop, stem)), code["jewel"])
    gleam = torch.sqrt((u + 0.018).square() + (v + 0.02).square())
    canvas.paint(canvas.fill(gleam - 0.016) * 0.9, torch.ones(1, 3, 1, 1))


def beanie(canvas: Canvas) -> None:
    """A knitted hat with a folded cuff."""
    u, v, wide = canvas.u, canvas.v, canvas.code["hair_volume"] + 0.56
    dome = torch.maximum(ellipse(u, v + 0.28, wide, 0.46), v + 0.30)
    cuff = box(u, v + 0.355 - 0.12 * u.square(), wide + 0.015, 0.085, 0.06)
    _hat(canvas, dome, cuff)


def brimmed_hat(canvas: Canvas) -> None:
    """A hat with a tall crown, a ribbon and a wide brim."""
    u, v = canvas.u, canvas.v
    crown = box(u / (1.125 + 0.25 * v), v + 0.50, 0.49, 0.27, 0.15)
    brim = ellipse(u, v + 0.33 - 0.12 * u.square(), 0.84, 0.085)
    _hat(canvas, crown, brim, torch.maximum(crown, (v + 0.43).abs() - 0.05))


def _hat(canvas: Canvas, top: Tensor, edge: Tensor, ribbon: Tensor | None = None) -> None:
    """Paint a hat's shadow on the face, its top, its ribbon, and its edge in a darker tone."""
    code = canvas.code
    canvas.darken(canvas.fill(torch.maximum(edge - 0.06, canvas.u.abs() - code["face_width"] - 0.03)) * 0.3)
    knit = _knit(canvas, canvas.u, canvas.v, 420, "hat", torch.zeros(1, 1, 1))
    canvas.paint(canvas.fill(top), knit)
    if ribbon is not None:
        canvas.paint(canvas.fill(ribbon), code["hat_accent"])
    canvas.paint(canvas.fill(edge), knit.mul_(0.82))
    canvas.darken(canvas.fill(torch.maximum(edge, -edge - 0.025)) * 0.25)


def _glasses(canvas: Canvas, u: Tensor, v: Tensor, a: Tensor, lens: Tensor) -> None:
    """Paint lenses with a glint, a bridge and temples; `a` is the distance from the lens's middle."""
    code, white = canvas.code, torch.ones(1, 3, 1, 1)
    glint = torch.maximum(((a + v) * 0.7 + 0.044).abs() - 0.025, lens + 0.03)
    canvas.paint(canvas.fill(lens) * 0.13, white)
    canvas.paint(canvas.fill(glint) * 0.22, white)
    bridge = torch.maximum((v + 0.05 - 2 * u.square()).abs() - 0.014, u.abs() - 0.06)
    temple = torch.maximum((v + 0.05).abs() - 0.016, 0.15 - a)
    temple = torch.maximum(temple, canvas.u.abs() - code["face_width"] - 0.02)
    frame = torch.minimum(torch.minimum(lens.abs() - 0.019, bridge), temple)
    canvas.paint(canvas.fill(frame), code["frame"])


def _knit(canvas: Canvas, x: Tensor, y: Tensor, stream: int, yarn: str, stripes: Tensor) -> Tensor:
    """Return colours (n, 3, h, w) of stitches, V over V, each with a tone of its own; `stripes` (n, 1, 1) in [0, 1]."""
    code, shape = canvas.code, fade(_STITCH / 2, canvas.pixel)  # a V needs two pixels a leg
    i = x * (1 / _STITCH) + _CELLS / 2
    side = (i - i.floor() - 0.5).abs_()
    j = y * (1 / _STITCH) + (_CELLS / 2 + 0.9 * shape * side)
    column, row = (snap(place - 0.5, _STITCH, canvas.pixel) for place in (i, j))
    cells = noise(code.seed, code.indices, stream, (1, _CELLS, _CELLS))
    tone = sample(cells, column * (2 / (_CELLS - 1)) - 1, row * (2 / (_CELLS - 1)) - 1)[:, 0] * code["knit_contrast"]
    band = (row * 0.25).frac_().sub_(0.5).abs_().mul_(4).sub_(0.5).clamp_(0, 1) * stripes
    colour = between(code[yarn], code[f"{yarn}_accent"], (band + tone.clamp(min=0)).clamp_(0, 1))
    groove = (j - j.floor() - 0.5).abs_() * side * (1.6 * shape)
    return colour.mul_((1.5 * tone + 1 - groove).unsqueeze(1))
