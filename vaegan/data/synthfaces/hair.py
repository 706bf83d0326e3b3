"""Hair of the synthetic faces: strands that follow the skull, bangs, brows and beards in one ramp of colours."""

import torch
from torch import Tensor

from vaegan.data.synthfaces.canvas import Canvas, between, ellipse
from vaegan.data.synthfaces.texture import RUN, SPAN, sample


def back_hair(canvas: Canvas) -> None:
    """Long hair behind the neck, in its own shade; the locks in front cover its edges."""
    code, v = canvas.code, canvas.v
    flow = _falling(canvas, 2.0)
    ends = torch.maximum(v - code["hair_length"] + 0.09 - 0.05 * flow, 0.05 - v)
    canvas.paint(canvas.fill(torch.maximum(canvas.u.abs() - 0.45, ends)), _ramp(canvas, 0.6 * flow - 0.6))


def short_hair(canvas: Canvas) -> None:
    """Hair around the face that ends at the ears."""
    across, flow = _combed(canvas)
    _cap(canvas, across, flow, 0.435, 0.02 + 0.05 * flow)


def long_hair(canvas: Canvas) -> None:
    """Hair around the face and the locks in front of the shoulders."""
    across, flow = _combed(canvas)
    _cap(canvas, across, flow, 0.385, canvas.code["hair_length"] - 0.06 + 0.05 * flow)


def bangs(canvas: Canvas) -> None:
    """A fringe that falls from the crown to the brows, its ends ragged."""
    u, v = canvas.u, canvas.v
    flow = _falling(canvas, 2.0)
    ends = 0.05 * flow - 0.165 - 0.35 * u.square()
    shape = torch.maximum(v - ends, ellipse(u, v, 0.47, 0.59))
    shape = torch.maximum(shape, u.abs() - 0.36 + 0.25 * (v + 0.3))
    canvas.darken(canvas.fill(shape - 0.03) * (1.5 * v + 0.5).clamp_(0, 0.25))
    canvas.paint(canvas.fill(shape), _ramp(canvas, flow + (v + 0.28) * 0.8))


def brows(canvas: Canvas) -> None:
    """Two brows; bushy ones are thick and dark."""
    code = canvas.code
    u, v = canvas.face_frame()
    bushy = code["Bushy_Eyebrows"]
    a = (u.abs() - code["eye_gap"] - 0.005) / (0.115 + 0.02 * bushy)
    middle = code["brow_arch"] * a.square() - code["brow_slant"] * a + (code["brow_height"] - 0.165)
    thickness = (0.016 + 0.026 * bushy) * (1 - 0.55 * a.square()) * (1 - 0.25 * a)
    distance = torch.maximum((v - middle).abs() - thickness, (a.abs() - 1) * 0.11)
    canvas.paint(canvas.fill(distance) * (0.75 + 0.25 * bushy), _beard(canvas, _falling(canvas, 1.0)))


def mustache(canvas: Canvas) -> None:
    """Two lobes under the nose."""
    u, v = canvas.face_frame()
    flow = _falling(canvas, 1.0)
    a = u.abs() / 0.22
    middle = canvas.code["mouth_height"] - 0.075 + 0.07 * a.square()
    thickness = (1 - a.square()) * (0.042 + 0.028 * a + 0.014 * flow)
    canvas.paint(canvas.fill((v - middle).abs() - thickness), _beard(canvas, flow))


def goatee(canvas: Canvas) -> None:
    """A beard on the chin."""
    u, v = canvas.face_frame()
    flow = _falling(canvas, 1.0)
    canvas.paint(canvas.fill(ellipse(u, v - 0.455, 0.17, 0.125) - 0.02 * flow), _beard(canvas, flow))


def _cap(canvas: Canvas, across: Tensor, flow: Tensor, opening: float, end: Tensor) -> None:
    """Paint hair between its outline and the face's opening, down to `end`, and its shadow on the skin."""
    code, u, v = canvas.code, canvas.u, canvas.v
    parted = code["parting"] * (u - code["parting"]) + v
    face = ellipse(u, (parted - 0.15).clamp_(max=0), opening + code["face_width"] - 0.43, 0.47)
    shape = torch.maximum(torch.maximum(across - _radius(canvas), -face), v - end)
    canvas.darken(canvas.fill(shape - 0.035) * canvas.fill(face) * (0.2 - v).clamp_(0, 0.22))
    sheen = (1 - (across - 0.44).square() * 400).clamp_(0, 1) * (0.5 - 5 * v).clamp_(0, 1)
    canvas.paint(canvas.fill(shape), _ramp(canvas, flow + 0.35 * sheen + (face * 3).clamp_(0, 0.25) - 0.12))


def _combed(canvas: Canvas) -> tuple[Tensor, Tensor]:
    """Return the distance from the skull's axis, and strands that run around the skull and down: both (n, h, w)."""
    code, u, v = canvas.code, canvas.u, canvas.v
    across = torch.sqrt(u.square() + (v.clamp(max=-0.02) + 0.02).mul_(0.82).square())
    wavy = code["Wavy_Hair"].flatten().nonzero()[:, 0]
    if len(wavy):
        phase = v[wavy] * code["wave_length"][wavy] + across[wavy] * 9 + code["wave_phase"][wavy]
        across[wavy] += phase.sin_().mul_((0.05 * v[wavy] + 0.036).clamp_(0.01, 0.046))
    side = (u - code["parting"]).sign_()
    return across, sample(canvas.strands, side.mul_(across).mul_(1 / SPAN), (u.abs() + v - 0.4) * (1 / RUN))[:, 0]


def _falling(canvas: Canvas, height: float) -> Tensor:
    """Return strands (n, h, w) that fall, fanning out from `height` above the face."""
    return sample(canvas.strands, canvas.u / (canvas.v * (SPAN / height) + SPAN), canvas.v * (1 / RUN))[:, 0]


def _radius(canvas: Canvas) -> Tensor:
    """Outer radius of the hair about the skull's axis; long hair widens towards the shoulders."""
    long = canvas.code["long_hair"]
    return canvas.v.clamp(0, 0.6) * (0.16 * long) + (0.515 + canvas.code["hair_volume"] + 0.02 * long)


def _ramp(canvas: Canvas, flow: Tensor) -> Tensor:
    """Turn strands of about [-1, 1] into colours (n, 3, h, w) between the hair's dark and light ends."""
    return between(canvas.code["hair_dark"], canvas.code["hair_light"], flow.mul(0.6).add_(0.5).clamp_(0, 1))


def _beard(canvas: Canvas, flow: Tensor) -> Tensor:
    """Brows and beards are a shade darker than the hair."""
    return _ramp(canvas, flow * 0.8 - 0.4) * 0.85
