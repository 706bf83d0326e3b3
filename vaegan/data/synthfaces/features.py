"""The wall, the head and its features, drawn with signed distances in the head frame (canvas units, v down)."""

import torch
from torch import Tensor

from vaegan.data.synthfaces.canvas import Canvas, between, ellipse
from vaegan.data.synthfaces.hashing import noise
from vaegan.data.synthfaces.texture import octaves, sample, spread_cells, spread_nodes

COLLAR = 0.60  # where neck and garment meet, body frame
_TILES = 24  # rows of the wall, and half tiles in a row: 1.3 pixels of 32


def _constant(red: float, green: float, blue: float) -> Tensor:
    return torch.tensor([red, green, blue], dtype=torch.float32).view(1, 3, 1, 1)


def backdrop(canvas: Canvas) -> None:
    """A wall of tiles behind the head, each in a tone of its own between two colours."""
    code, size = canvas.code, canvas.x.shape[-1]
    tones = noise(code.seed, code.indices, 200, (_TILES, _TILES // 2 + 1)).repeat_interleave(2, dim=2)
    rows = torch.arange(_TILES).view(1, -1, 1)
    tones = torch.where(rows % 2 == 0, tones[:, :, :_TILES], tones[:, :, 1 : _TILES + 1])  # running bond
    tones = spread_cells(spread_cells(tones, size, 2), size, 1)
    tones += _brushwork(canvas, size) * 0.6
    slope = canvas.x * code["backdrop_x"] + (canvas.y * code["backdrop_y"] + 0.5)
    canvas.rgb.copy_(between(code["backdrop"], code["backdrop_light"], tones.mul_(code["contrast"]).add_(slope)))
    canvas.darken(_grout(canvas, size) * 0.16)


def _brushwork(canvas: Canvas, size: int) -> Tensor:
    """Return fine horizontal strokes (n, h, w), finer than the tiles."""
    code = canvas.code
    strokes = torch.zeros(len(code), size, 6)
    for k, strength in enumerate(octaves(1 / _TILES, canvas.pixel, 0.8)):
        nodes = noise(code.seed, code.indices, 210 + k, (2 * _TILES * 2**k + 1, 6))
        strokes += strength * spread_nodes(nodes, size, 1)
    return spread_nodes(strokes, size, 2)


def _grout(canvas: Canvas, size: int) -> Tensor:
    """Coverage (1, h, w) of the joints between tiles: a box filter over lines 0.012 wide."""
    width = 0.012 / canvas.pixel
    cell = (torch.arange(size) + 0.5) * (_TILES / size)

    def line(place: Tensor, period: float) -> Tensor:
        distance = (place - (place / period).round() * period).abs() * (size / _TILES)
        return (width / 2 + 0.5 - distance).clamp_(0, min(width, 1.0))

    odd = (cell.long() % 2).view(-1, 1)
    return torch.maximum(line(cell.view(-1, 1), 1), line(cell + odd, 2)).unsqueeze(0)


def neck(canvas: Canvas) -> None:
    """Neck and the skin above the collar, in the head's shadow."""
    code, u, v = canvas.code, canvas.u, canvas.v
    x, y = canvas.body_frame()
    column = torch.lerp(u, x.expand_as(u), (y - 0.45).clamp(0, 0.15) / 0.15).abs() - 0.20
    shape = torch.maximum(torch.maximum(column, 0.2 - v), torch.minimum(y - COLLAR, neckline(x, y)))
    canvas.paint(canvas.fill(shape), between(code["skin"], code["skin_shade"], (1.54 - 2.2 * v).clamp_(0, 0.66)))


def neckline(x: Tensor, y: Tensor) -> Tensor:
    """Distance to the opening of the garment, body frame."""
    return ellipse(x, y - COLLAR, 0.215, 0.12)


def ears(canvas: Canvas) -> None:
    """Ears with an inner shade."""
    code = canvas.code
    u = (canvas.u + 0.03 * code["turn"]).abs() - code["face_width"] - 0.005
    v = canvas.v - 0.03
    shape = ellipse(u - 0.1 * v, v, 0.068, 0.115)
    canvas.paint(canvas.fill(shape), code["skin"] * 0.95)
    canvas.paint(canvas.fill(shape + 0.03) * 0.6, code["skin_shade"])


def head(canvas: Canvas) -> None:
    """Skull and jaw, lit from one side, darker at the rim."""
    code, u, v = canvas.code, canvas.u, canvas.v
    width = code["face_width"] - v.clamp(0, 0.5).square_().mul_(code["jaw"] * code["face_width"])
    q = (u / width).square_() + ((v + 0.04) / 0.545).square_()
    side = (0.05 - 0.5 * code["light_x"].sign() * u).clamp_(0, 0.25)
    shade = (q - 0.55).clamp_(0, 0.6).mul_(0.55).add_(side)
    canvas.paint(canvas.fill((q - 1) * 0.24), between(code["skin"], code["skin_shade"], shade))


def cheeks(canvas: Canvas) -> None:
    """A blush on both cheeks: faint on everybody, round and rosy with the attribute."""
    code = canvas.code
    u, v = canvas.face_frame()
    glow = 1.5 - 1.5 * ((u.abs() - 0.255) / 0.135).square_() - 1.5 * ((v - 0.15) / 0.105).square_()
    canvas.paint(glow.clamp_(0, 1) * (0.12 + 0.68 * code["Rosy_Cheeks"]), code["blush"])


def freckles(canvas: Canvas) -> None:
    """Freckles at random places of nose and cheeks, at most one to a cell of a jittered grid."""
    code, cells = canvas.code, 17
    u, v = canvas.face_frame()
    i, j = u * (cells / 0.8) + 0.5 * cells, v * (cells / 0.8) + 0.35 * cells
    column, row = i.floor() + 0.5, j.floor() + 0.5
    dots = noise(code.seed, code.indices, 300, (3, cells, cells))
    right, down, radius = sample(dots, column * (2 / cells) - 1, row * (2 / cells) - 1, "nearest").unbind(1)
    distance = torch.sqrt((i - column - 0.25 * right).square_() + (j - row - 0.25 * down).square_())
    distance -= radius * 0.22 + 0.06  # negative radius: no freckle in this cell
    zone = (2.3 - 2 * (u / 0.33).square_() - 2 * ((v - 0.10) / 0.14).square_()).clamp_(0, 0.8)
    spots = canvas.fill(distance * (0.8 / cells)) * zone * (0.4 + code["freckled"] * 0.6)
    canvas.paint(spots, code["skin_shade"] * _constant(0.84, 0.74, 0.64))


def nose(canvas: Canvas) -> None:
    """A soft bridge shadow on the dark side, the tip's underside, a highlight."""
    code = canvas.code
    u, v = canvas.face_frame()
    u, tip = u - 0.03 * code["turn"], v - code["nose_length"]
    bridge = (1 - ((u + 0.035 * code["light_x"].sign()) / 0.035).square_()).clamp_(0, 1)
    canvas.darken(bridge * (0.16 - 0.16 * ((v - 0.03) / 0.12).square_()).clamp_(0, 1))
    wide = code["nose_width"]
    ring = (torch.sqrt(u.square() + (tip * 1.25).square_()) - wide).abs_() - 0.013
    canvas.paint(canvas.fill(torch.maximum(ring, 0.2 * wide - tip)) * 0.9, code["skin_shade"] * 0.82)
    canvas.paint((0.35 - (u.square() + (tip + 0.02).square_()) * 290).clamp_(0, 1), _constant(1, 0.98, 0.95))


def eyes(canvas: Canvas) -> None:
    """Whites, irises, pupils, highlights and lids; the two eyes are one shape, folded."""
    code = canvas.code
    u, v = canvas.face_frame()
    size, looking = 1 / code["eye_size"], u - code["gaze"]
    a = (u.abs() - code["eye_gap"]) * size
    v = (v + 0.03) * size + 8 * code["eye_slant"] * a
    arch = 1 - (a / 0.105).square_()
    upper, lower = -v - 0.074 * arch, v - 0.052 * arch
    opening = torch.maximum(upper, lower)
    white = canvas.fill(opening * 0.8)
    canvas.darken(canvas.fill(opening - 0.03) * 0.14)
    canvas.paint(white, _constant(0.98, 0.97, 0.95))
    iris = torch.sqrt(((looking.abs() - code["eye_gap"]) * size).square_() + (v + 0.010).square_())
    canvas.paint(white * canvas.fill(iris - 0.060), code["eyes"] * (0.7 + iris.unsqueeze(1) * 7))
    canvas.paint(white * canvas.fill(iris - 0.030), _constant(0.08, 0.06, 0.07))
    glint = torch.sqrt((((looking + 0.022).abs() - code["eye_gap"]) * size).square_() + (v + 0.036).square_())
    canvas.paint(canvas.fill(glint - 0.017), _constant(1, 1, 1))
    lid = torch.maximum((upper + 0.004).abs_() * 0.8 - code["lashes"], a.abs() - 0.118)
    canvas.paint(canvas.fill(lid) * 0.92, _constant(0.13, 0.09, 0.10))


def mouth(canvas: Canvas) -> None:
    """Lips around a line that a smile bends; an open mouth shows teeth and tongue."""
    code = canvas.code
    u, v = canvas.face_frame()
    smile, parted, painted = code["Smiling"], code["Mouth_Slightly_Open"], code["Wearing_Lipstick"]
    a = (u / (code["mouth_width"] * (1 + 0.18 * smile - 0.15 * parted * (1 - smile)))).square_()
    full = 1 - a
    line = v - code["mouth_height"] - (code["mouth_curve"] + 0.10 * smile) * (0.45 - a)
    lips = code["lip_fullness"] * (0.030 + 0.012 * painted)
    above, below = 0.022 * parted * full, (0.060 + 0.03 * smile) * parted * full
    outer = torch.maximum(-line - above - lips * 0.9 * full, line - below - lips * 1.35 * full)
    canvas.paint(canvas.fill(outer) * (0.85 + 0.15 * painted), code["lips"])
    inside = canvas.fill(torch.maximum(-line - above, line - below)) * parted
    canvas.paint(inside, _constant(0.36, 0.10, 0.12))
    canvas.paint(inside * canvas.fill(ellipse(u, line - below - 0.01, 0.09, 0.05)), _constant(0.80, 0.38, 0.38))
    canvas.paint(inside * canvas.fill(line + above - 0.045), _constant(0.98, 0.97, 0.95))
    seam = torch.maximum(line.abs() - 0.009, (a - 1.05) * 0.08)
    canvas.paint(canvas.fill(seam) * (0.85 - 0.85 * parted), code["lips"] * 0.45)
