"""Hair of the synthetic faces: strands that follow the skull, bangs, brows and beards in the same ramp of colours."""

import torch
from torch import Tensor

from vaegan.data.canvas import Canvas
from vaegan.data.texture import sample, strands

_STRAND = 0.08  # width of the coarsest strand: 1.3 pixels of 32
_SPAN, _RUN = 1.3, 1.5  # half extent of the strand field across and along


def back_hair(canvas: Canvas) -> None:
    """Hair behind neck and shoulders, in its own shade."""
    across, flow = _flow(canvas)
    outline = torch.maximum(across - _radius(canvas), canvas.v - _length(canvas, flow))
    canvas.paint(canvas.fill(outline), _ramp(canvas, flow * 0.8 - 0.45))


def front_hair(canvas: Canvas) -> None:
    """Hair around the face: the cap, and for long hair the locks in front of the shoulders."""
    code, u, v = canvas.code, canvas.u, canvas.v
    across, flow = _flow(canvas)
    narrow = 0.385 + 0.05 * (1 - code["long_hair"]) - 0.43 + code["face_width"]
    parted = v + code["parting"] * (u - code["parting"]) - 0.15
    opening = (torch.sqrt((u / narrow).square() + (parted / 0.47).square()) - 1) * 0.42
    end = _length(canvas, flow) - 0.06
    end = torch.where(code["long_hair"] > 0, end, 0.02 + 0.05 * flow)
    shape = torch.maximum(torch.maximum(across - _radius(canvas), -opening), v - end)
    shadow = canvas.fill(shape - 0.035) * 0.22
    canvas.darken(shadow * (opening < 0.0))
    sheen = (1 - ((across - 0.44) / 0.05).square()).clamp_(0, 1) * (v < 0.1)
    depth = (opening * 3).clamp_(0, 0.25)
    canvas.paint(canvas.fill(shape), _ramp(canvas, flow + 0.35 * sheen + depth - 0.12))


def bangs(canvas: Canvas) -> None:
    """A fringe that falls from the crown to the brows, its ends ragged."""
    code, u, v = canvas.code, canvas.u, canvas.v
    flow = _fall(canvas, 2.0)
    ends = -0.165 - 0.35 * u.square() + 0.05 * flow
    shape = torch.maximum(v - ends, torch.sqrt(u.square() + (v.clamp(max=0.0) * 0.8).square()) - 0.47)
    shape = torch.maximum(shape, u.abs() - 0.36 + 0.25 * (v + 0.3))
    canvas.darken(canvas.fill(shape - 0.03) * 0.25)
    canvas.paint(canvas.fill(shape), _ramp(canvas, flow + (v + 0.28) * 0.8))


def brows(canvas: Canvas) -> None:
    """Two brows; bushy ones are thick and dark."""
    code = canvas.code
    u, v = face_frame(canvas)
    bushy = code["Bushy_Eyebrows"]
    a = (u.abs() - code["eye_gap"] - 0.005) / (0.115 + 0.02 * bushy)
    middle = -0.165 + code["brow_height"] + code["brow_arch"] * a.square() - code["brow_slant"] * a
    thickness = (0.016 + 0.026 * bushy) * (1 - 0.55 * a.square()) * (1 - 0.25 * a)
    distance = torch.maximum((v - middle).abs() - thickness, (a.abs() - 1) * 0.11)
    canvas.paint(canvas.fill(distance) * (0.75 + 0.25 * bushy), canvas.code["hair_dark"] * 0.85)


def mustache(canvas: Canvas) -> None:
    """Two lobes under the nose."""
    u, v = face_frame(canvas)
    flow = _fall(canvas, 1.0)
    a = u.abs() / 0.22
    middle = canvas.code["mouth_height"] - 0.075 + 0.07 * a.square()
    thickness = 0.056 * (1 - a.square()) * (0.75 + 0.5 * a) + 0.012 * flow
    canvas.paint(canvas.fill((v - middle).abs() - thickness), _beard(canvas, flow))


def goatee(canvas: Canvas) -> None:
    """A beard on the chin."""
    u, v = face_frame(canvas)
    flow = _fall(canvas, 1.0)
    low = v - 0.455
    shape = (torch.sqrt((u / 0.17).square() + (low / 0.125).square()) - 1) * 0.14 - 0.03 * flow
    canvas.paint(canvas.fill(shape), _beard(canvas, flow))


def face_frame(canvas: Canvas) -> tuple[Tensor, Tensor]:
    """Return coordinates that ride on the front of the face: turned and nodded, the far side foreshortened."""
    turn = canvas.code["turn"]
    u = canvas.u - 0.06 * turn
    return u * (1 + 0.28 * turn * u), canvas.v - canvas.code["nod"]


def _flow(canvas: Canvas) -> tuple[Tensor, Tensor]:
    """Return the distance from the axis of the skull, and strands that run around it and down: both (n, h, w)."""
    if canvas.flow is None:
        code, u, v = canvas.code, canvas.u, canvas.v
        side = u - code["parting"]
        across = torch.sqrt(u.square() + (v.clamp(max=-0.02) + 0.02).mul_(0.82).square())
        wave = torch.sin(v * code["wave_length"] + across * 9 + code["wave_phase"]) * (0.035 * code["Wavy_Hair"])
        across = across + wave
        table = strands(code, 100, 10, 2 * int(_SPAN / _STRAND), _STRAND, canvas.pixel, 0.8)
        flow = sample(table, across * side.sign() / _SPAN, (u.abs() + v - 0.4) / _RUN)[:, 0]
        canvas.flow = across, flow
    return canvas.flow


def _fall(canvas: Canvas, fan: float) -> Tensor:
    """Return strands (n, h, w) that fall, fanning out from a point `fan` above the face."""
    across = canvas.u / (1 + canvas.v / fan)
    table = strands(canvas.code, 120, 10, 2 * int(_SPAN / _STRAND), _STRAND, canvas.pixel, 0.8)
    return sample(table, across / _SPAN, canvas.v / _RUN)[:, 0]


def _radius(canvas: Canvas) -> Tensor:
    """Outer radius of the hair about the skull's axis; long hair widens towards the shoulders."""
    code = canvas.code
    return 0.515 + code["hair_volume"] + code["long_hair"] * (canvas.v.clamp(0, 0.6) * 0.16 + 0.02)


def _length(canvas: Canvas, flow: Tensor) -> Tensor:
    """Where hair ends, ragged by strands: at the neck when short."""
    code = canvas.code
    return torch.where(code["long_hair"] > 0, code["hair_length"], torch.full_like(code["nod"], 0.12)) + 0.05 * flow


def _ramp(canvas: Canvas, flow: Tensor) -> Tensor:
    """Turn strands of about [-1, 1] into colours (n, 3, h, w) between the hair's dark and light ends."""
    t = flow.mul(0.5).add_(0.5).clamp_(0, 1).unsqueeze(1)
    return torch.lerp(canvas.code["hair_dark"], canvas.code["hair_light"], t)


def _beard(canvas: Canvas, flow: Tensor) -> Tensor:
    """Beards are a shade darker than the hair."""
    return _ramp(canvas, flow * 0.8 - 0.5) * 0.85
