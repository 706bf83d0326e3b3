"""The head and its features, drawn with signed distances in the head frame (canvas units, v down)."""

import torch
from torch import Tensor

from vaegan.data.canvas import Canvas
from vaegan.data.facehair import face_frame
from vaegan.data.hashing import noise
from vaegan.data.texture import fade, sample, spread

WHITE = torch.tensor([0.98, 0.97, 0.95]).view(1, 3, 1, 1)
INK = torch.tensor([0.13, 0.09, 0.10]).view(1, 3, 1, 1)
MOUTH = torch.tensor([0.36, 0.10, 0.12]).view(1, 3, 1, 1)
TONGUE = torch.tensor([0.80, 0.38, 0.38]).view(1, 3, 1, 1)


def ellipse(u: Tensor, v: Tensor, wide: float | Tensor, high: float | Tensor) -> Tensor:
    """Distance to an axis-aligned ellipse, exact on its axes to first order."""
    q = torch.sqrt((u / wide).square() + (v / high).square())
    return (q - 1) * ((wide + high) / 2)


def backdrop(canvas: Canvas) -> None:
    """A two-tone wall behind the head, woven of threads that all differ in tone."""
    code, size = canvas.code, canvas.x.shape[-1]
    slope = canvas.x * code["backdrop_x"] + canvas.y * code["backdrop_y"] + 0.5
    canvas.rgb.copy_(torch.lerp(code["backdrop"], code["backdrop_light"], slope.clamp_(0, 1).unsqueeze(1)))
    warp, weft = _threads(canvas, 200, size), _threads(canvas, 220, size)
    weave = spread(warp.transpose(1, 2), size).transpose(1, 2) + spread(weft.transpose(1, 2), size)
    canvas.darken(weave * code["weave"])


def _threads(canvas: Canvas, stream: int, size: int) -> Tensor:
    """Return (n, 8, size): random tones along `size` pixels, at 8 places along the threads."""
    tones = torch.zeros(len(canvas.rgb), 8, size)
    for k in range(6):
        strength = fade(2 / (24 * 2**k), canvas.pixel) * 0.75**k
        if strength > 0:
            nodes = noise(canvas.code.seed, canvas.code.indices, stream + k, (8, 24 * 2**k + 1))
            tones += strength * spread(nodes, size)
    return tones


def neck(canvas: Canvas) -> None:
    """Neck and the skin above the collar, in the head's shadow."""
    code, u, v = canvas.code, canvas.u, canvas.v
    half = 0.185 + (v - 0.52).clamp(min=0).square() * 1.6
    column = torch.maximum(u.abs() - half, 0.2 - v)
    shade = (0.72 - v).clamp_(0, 0.35) * 1.2
    canvas.paint(canvas.fill(column), code["skin"] * (1 - shade.unsqueeze(1) * WHITE.new_tensor([0.7, 1, 1.1]).view(1, 3, 1, 1)))


def ears(canvas: Canvas) -> None:
    """Ears with an inner shade."""
    code = canvas.code
    u = (canvas.u + 0.03 * code["turn"]).abs() - code["face_width"] - 0.005
    v = canvas.v - 0.03
    shape = ellipse(u - 0.1 * v, v, 0.068, 0.115)
    canvas.paint(canvas.fill(shape), code["skin"] * 0.95)
    canvas.paint(canvas.fill(shape + 0.035) * 0.6, code["skin_shade"])


def head(canvas: Canvas) -> None:
    """Skull and jaw, lit from one side, darker at the rim."""
    code, u, v = canvas.code, canvas.u, canvas.v
    width = code["face_width"] * (1 - code["jaw"] * v.clamp(0, 0.5).square())
    q = (u / width).square() + ((v + 0.04) / 0.545).square()
    shape = (torch.sqrt(q) - 1) * 0.48
    side = (code["light_x"].sign() * u * -1 + 0.1).clamp_(0, 0.5)
    shade = ((q - 0.55).clamp_(0, 0.6) * 0.55 + side * 0.5).unsqueeze(1)
    canvas.paint(canvas.fill(shape), torch.lerp(code["skin"], code["skin_shade"], shade))


def cheeks(canvas: Canvas) -> None:
    """A blush on both cheeks: faint on everybody, round and rosy with the attribute."""
    code = canvas.code
    u, v = face_frame(canvas)
    glow = 1 - ((u.abs() - 0.255) / 0.135).square() - ((v - 0.15) / 0.105).square()
    strength = 0.12 + 0.68 * code["Rosy_Cheeks"]
    canvas.paint((glow * 1.5).clamp_(0, 1) * strength, code["blush"])


def freckles(canvas: Canvas) -> None:
    """Freckles at random places of nose and cheeks, one to a cell of a jittered grid at most."""
    code = canvas.code
    u, v = face_frame(canvas)
    cells = 22
    dots = noise(code.seed, code.indices, 300, (3, cells, cells))
    i, j = (u / 0.8 + 0.5) * cells, (v / 0.8 + 0.35) * cells
    column, row = i.floor(), j.floor()
    x, y, r = sample(dots, (column + 0.5) * (2 / cells) - 1, (row + 0.5) * (2 / cells) - 1, "nearest").unbind(1)
    radius = (r * 0.30 + 0.05).clamp_(max=0.28)
    distance = (torch.sqrt((i - column - 0.5 - 0.2 * x).square() + (j - row - 0.5 - 0.2 * y).square()) - radius) * (0.8 / cells)
    zone = (1.15 - (u / 0.33).square() - ((v - 0.10) / 0.14).square()).clamp_(0, 0.4) * 2.0
    canvas.paint(canvas.fill(distance) * zone * (code["freckled"] * 4).clamp(0, 1), code["skin_shade"] * torch.tensor([0.82, 0.72, 0.62]).view(1, 3, 1, 1))


def nose(canvas: Canvas) -> None:
    """A soft bridge shadow on the dark side, the tip's underside, a highlight."""
    code = canvas.code
    u, v = face_frame(canvas)
    u = u - 0.03 * code["turn"]
    tip = v - code["nose_length"]
    away = -code["light_x"].sign()
    bridge = (1 - ((u - 0.035 * away) / 0.035).square()).clamp_(0, 1) * (1 - ((v - 0.03) / 0.12).square()).clamp_(0, 1)
    canvas.darken(bridge * 0.16)
    wide = code["nose_width"]
    ring = (torch.sqrt(u.square() + (tip * 1.25).square()) - wide).abs() - 0.013
    under = torch.maximum(ring, 0.2 * wide - tip)
    canvas.paint(canvas.fill(under) * 0.9, code["skin_shade"] * 0.82)
    canvas.paint((1 - (u.square() + (tip + 0.02).square()) / 0.0012).clamp_(0, 1) * 0.35, WHITE)


def eyes(canvas: Canvas) -> None:
    """Whites, irises, pupils, highlights and lids; the two eyes are one shape, folded."""
    code = canvas.code
    u, v = face_frame(canvas)
    size = code["eye_size"]
    v = (v + 0.03) / size
    a = (u.abs() - code["eye_gap"]) / size
    v = v + code["eye_slant"] * a * 8
    arch = 1 - (a / 0.105).square()
    upper, lower = -v - 0.078 * arch, v - 0.052 * arch
    white = canvas.fill(torch.maximum(upper, lower) * 0.8)
    iris = torch.sqrt((((u - code["gaze"]).abs() - code["eye_gap"]) / size).square() + (v + 0.012).square())
    glint = (((u - code["gaze"] + 0.022).abs() - code["eye_gap"]) / size).square() + (v + 0.038).square()
    canvas.darken(canvas.fill(torch.maximum(upper, lower) - 0.03) * 0.14)
    canvas.paint(white, WHITE)
    canvas.paint(white * canvas.fill(iris - 0.058), code["eyes"] * (0.7 + iris.unsqueeze(1) * 7))
    canvas.paint(white * canvas.fill(iris - 0.029), INK)
    canvas.paint(canvas.fill(torch.sqrt(glint) - 0.017), WHITE)
    lid = torch.maximum((upper + 0.004).abs() * 0.8 - 0.014, a.abs() - 0.118)
    canvas.paint(canvas.fill(lid) * 0.92, INK)


def mouth(canvas: Canvas) -> None:
    """Lips around a line that a smile bends; an open mouth shows teeth and tongue."""
    code = canvas.code
    u, v = face_frame(canvas)
    smile, open_, painted = code["Smiling"], code["Mouth_Slightly_Open"], code["Wearing_Lipstick"]
    a = (u / (code["mouth_width"] * (1 + 0.18 * smile))).square()
    full = 1 - a
    line = v - code["mouth_height"] - (code["mouth_curve"] + 0.085 * smile) * (0.45 - a)
    lips = code["lip_fullness"] * (0.030 + 0.012 * painted)
    above, below = 0.022 * open_ * full, (0.060 + 0.03 * smile) * open_ * full
    outer = torch.maximum(-line - above - lips * 0.9 * full, line - below - lips * 1.35 * full)
    inner = torch.maximum(-line - above, line - below)
    canvas.paint(canvas.fill(outer) * (0.85 + 0.15 * painted), code["lips"])
    inside = canvas.fill(inner) * (open_ > 0)
    canvas.paint(inside, MOUTH)
    canvas.paint(inside * canvas.fill(ellipse(u, line - below - 0.01, 0.09, 0.05)), TONGUE)
    canvas.paint(inside * canvas.fill(line + above - 0.045), WHITE)
    seam = torch.maximum(line.abs() - 0.009, (a - 1.05) * 0.08)
    canvas.paint(canvas.fill(seam) * (0.85 * (1 - open_)), code["lips"] * 0.45)
