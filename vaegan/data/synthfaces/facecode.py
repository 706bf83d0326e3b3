"""What makes one synthetic face: its attributes, its continuous nuisance and its colours, drawn from (seed, index)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import overload

import numpy as np
import torch
from torch import Tensor

from vaegan.data.synthfaces.hashing import uniforms

ATTRIBUTES = (
    "Bangs",
    "Black_Hair",
    "Blond_Hair",
    "Brown_Hair",
    "Bushy_Eyebrows",
    "Eyeglasses",
    "Goatee",
    "Gray_Hair",
    "Mouth_Slightly_Open",
    "Mustache",
    "Rosy_Cheeks",
    "Smiling",
    "Straight_Hair",
    "Wavy_Hair",
    "Wearing_Earrings",
    "Wearing_Hat",
    "Wearing_Lipstick",
    "Wearing_Necktie",
)

# P(attribute) for the two halves of the population, so that attributes correlate as in photographs of people.
_RATES = {
    "Bangs": (0.14, 0.42),
    "Bushy_Eyebrows": (0.44, 0.10),
    "Eyeglasses": (0.30, 0.22),
    "Goatee": (0.36, 0.0),
    "Mouth_Slightly_Open": (0.40, 0.40),
    "Mustache": (0.36, 0.0),
    "Rosy_Cheeks": (0.16, 0.42),
    "Smiling": (0.50, 0.56),
    "Wearing_Earrings": (0.08, 0.42),
    "Wearing_Hat": (0.22, 0.16),
    "Wearing_Lipstick": (0.0, 0.50),
    "Wearing_Necktie": (0.34, 0.06),
}
_HAIR_COLOURS = {"Black_Hair": 0.28, "Brown_Hair": 0.28, "Blond_Hair": 0.20, "Gray_Hair": 0.10}  # else auburn
_LONG_HAIR = {"Straight_Hair": (0.10, 0.40), "Wavy_Hair": (0.10, 0.40)}  # neither: short

# Continuous nuisance, uniform between the two ends; lengths in canvas units (the canvas is 2 wide), angles in radians.
_RANGES = {
    "turn": (-1.0, 1.0),
    "nod": (-0.025, 0.025),
    "tilt": (-0.13, 0.13),
    "scale": (1.02, 1.18),
    "shift_x": (-0.06, 0.06),
    "shift_y": (-0.03, 0.03),
    "light_x": (-0.16, 0.16),
    "light_y": (-0.10, 0.04),
    "warmth": (-0.035, 0.045),
    "face_width": (0.405, 0.455),
    "jaw": (0.25, 1.05),
    "eye_gap": (0.175, 0.20),
    "eye_size": (0.90, 1.12),
    "eye_slant": (-0.02, 0.03),
    "lashes": (0.007, 0.015),
    "gaze": (-0.024, 0.024),
    "brow_arch": (0.01, 0.05),
    "brow_slant": (-0.018, 0.008),
    "brow_height": (-0.015, 0.01),
    "nose_length": (0.09, 0.14),
    "nose_width": (0.045, 0.068),
    "mouth_width": (0.165, 0.20),
    "mouth_height": (0.255, 0.285),
    "mouth_curve": (-0.004, 0.022),
    "lip_fullness": (0.85, 1.35),
    "parting": (-0.20, 0.20),
    "hair_volume": (-0.015, 0.04),
    "hair_length": (0.42, 0.68),
    "wave_phase": (0.0, 6.2832),
    "wave_length": (15.0, 20.0),
    "freckled": (-2.6, 1.0),
    "knit_contrast": (0.16, 0.30),
    "stripes": (-0.6, 1.0),
    "brimmed": (-1.0, 1.0),
    "round_glasses": (-1.0, 1.0),
    "backdrop_x": (-0.5, 0.5),
    "backdrop_y": (-0.5, 0.5),
    "contrast": (0.40, 0.75),
}

_SKIN = ((255, 225, 200), (246, 205, 172), (232, 182, 142), (205, 148, 106), (158, 103, 68), (112, 71, 48))
_EYES = ((74, 48, 32), (96, 66, 38), (64, 110, 150), (88, 128, 84), (96, 112, 128), (120, 92, 44))
_BACKDROPS = (
    ((126, 158, 160), (178, 201, 194)),
    ((206, 162, 98), (242, 214, 164)),
    ((188, 124, 102), (234, 188, 164)),
    ((142, 160, 124), (190, 202, 166)),
    ((148, 138, 172), (196, 186, 208)),
    ((92, 116, 148), (148, 170, 192)),
    ((180, 138, 150), (232, 204, 206)),
    ((104, 132, 120), (160, 184, 168)),
)
_GARMENTS = (
    ((178, 64, 56), (236, 206, 170)),
    ((44, 72, 110), (214, 222, 226)),
    ((214, 158, 62), (250, 230, 186)),
    ((62, 104, 88), (220, 226, 190)),
    ((116, 72, 108), (232, 200, 214)),
    ((232, 220, 200), (150, 92, 70)),
    ((60, 62, 74), (196, 150, 96)),
    ((92, 150, 160), (244, 232, 210)),
    ((206, 122, 104), (250, 226, 206)),
)
_JEWELS = ((240, 196, 84), (246, 240, 232), (92, 190, 190), (226, 86, 96))
_LIPSTICKS = ((196, 32, 56), (214, 60, 92), (150, 24, 60))
_FRAMES = ((34, 30, 34), (104, 56, 30), (40, 56, 104), (150, 40, 44))
# Dark and light end of each hair colour's ramp: strands vary between the two.
_HAIR = {
    "Black_Hair": ((8, 7, 12), (90, 84, 102)),
    "Blond_Hair": ((150, 102, 44), (255, 234, 168)),
    "Brown_Hair": ((38, 20, 12), (166, 112, 70)),
    "Gray_Hair": ((108, 110, 116), (240, 240, 240)),
}
_AUBURN = ((88, 24, 10), (224, 122, 58))


HEAD_Y = -0.10  # the head's origin, between eyes and nose, on the canvas


def posed_rows(top: float, bottom: float, reach: float = 0.55) -> tuple[float, float]:
    """Return the canvas rows that head-frame rows [top, bottom], as far as `reach` aside, can meet in any pose."""
    small, large = _RANGES["scale"]
    slack = _RANGES["shift_y"][1] + reach * large * _RANGES["tilt"][1]
    return HEAD_Y - slack + min(top * small, top * large), HEAD_Y + slack + max(bottom * small, bottom * large)


@dataclass(frozen=True)
class FaceCode:
    """Named scalars and colours of n faces, and the (seed, index) their textures are hashed from."""

    values: Tensor  # (n, P)
    columns: dict[str, slice]
    seed: int
    indices: np.ndarray  # (n,)

    def __len__(self) -> int:
        return len(self.indices)

    @overload
    def __getitem__(self, key: str) -> Tensor: ...
    @overload
    def __getitem__(self, key: slice | Tensor) -> FaceCode: ...
    def __getitem__(self, key: str | slice | Tensor) -> Tensor | FaceCode:
        """Return what a name says, (n, 1, 1) for a scalar and (n, 3, 1, 1) for a colour; or the codes of some faces."""
        if isinstance(key, str):
            column = self.columns[key]
            shape = (-1, 1, 1) if column.stop - column.start == 1 else (-1, 3, 1, 1)
            return self.values[:, column].view(shape)
        indices = self.indices[key.numpy() if isinstance(key, Tensor) else key]
        return replace(self, values=self.values[key], indices=indices)


def attributes(seed: int, indices: np.ndarray) -> Tensor:
    """Draw (N, A) uint8 in the order of ATTRIBUTES: one hair colour at most, one of straight and wavy at most."""
    u = uniforms(seed, indices, 0, 3 + len(_RATES)).double()
    half = (u[:, 0] < 0.5).long()
    drawn = _one_of(u[:, 1], {name: torch.full_like(u[:, 0], p) for name, p in _HAIR_COLOURS.items()})
    drawn |= _one_of(u[:, 2], {name: torch.tensor(p, dtype=u.dtype)[half] for name, p in _LONG_HAIR.items()})
    for name, p, draw in zip(_RATES, _RATES.values(), u[:, 3:].unbind(1), strict=True):
        drawn[name] = draw < torch.tensor(p, dtype=u.dtype)[half]
    return torch.stack([drawn[name] for name in ATTRIBUTES], dim=1).to(torch.uint8)


def _one_of(u: Tensor, rates: dict[str, Tensor]) -> dict[str, Tensor]:
    """Let a single uniform (N,) choose at most one of the named outcomes."""
    drawn, below = {}, torch.zeros_like(u)
    for name, rate in rates.items():
        drawn[name] = (u >= below) & (u < below + rate)
        below = below + rate
    return drawn


def facecode(seed: int, indices: np.ndarray, labels: Tensor) -> FaceCode:
    """Draw the codes of faces `indices` of `seed` that have the attributes `labels` (N, A) uint8."""
    u = uniforms(seed, indices, 1, len(_RANGES))
    low, high = torch.tensor(list(_RANGES.values())).T
    named = dict(zip(ATTRIBUTES, labels.float().split(1, dim=1), strict=True))
    named |= dict(zip(_RANGES, torch.lerp(low, high, u).split(1, dim=1), strict=True))
    named |= _colours(uniforms(seed, indices, 2, 12), named)
    named |= _switches(named)
    stops = np.cumsum([column.shape[1] for column in named.values()]).tolist()
    columns = {name: slice(b - named[name].shape[1], b) for name, b in zip(named, stops, strict=True)}
    return FaceCode(torch.cat(list(named.values()), dim=1), columns, seed, indices)


def _switches(named: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the flags (N, 1) that decide which layers a face has, beside its attributes."""
    long_hair = torch.maximum(named["Straight_Hair"], named["Wavy_Hair"])
    brimmed, round_ = (named["brimmed"] > 0).float(), (named["round_glasses"] > 0).float()
    return {
        "long_hair": long_hair,
        "short_hair": 1 - long_hair,
        "has_freckles": (named["freckled"] > 0).float(),
        "has_beanie": named["Wearing_Hat"] * (1 - brimmed),
        "has_brimmed_hat": named["Wearing_Hat"] * brimmed,
        "has_round_glasses": named["Eyeglasses"] * round_,
        "has_square_glasses": named["Eyeglasses"] * (1 - round_),
    }


def _colours(u: Tensor, named: dict[str, Tensor]) -> dict[str, Tensor]:
    """Choose every colour (N, 3) in [0, 1] from the palettes, with a little variation."""
    skin = _along(_SKIN, u[:, 0])
    dark, light = _hair(named)
    backdrop, garment, hat = _pick(_BACKDROPS, u[:, 1]), _pick(_GARMENTS, u[:, 2]), _pick(_GARMENTS, u[:, 3])
    vary = 1 + 0.12 * (u[:, 4:7] - 0.5)
    lips = skin * torch.tensor([0.84, 0.58, 0.58])
    painted = named["Wearing_Lipstick"] > 0
    return {
        "skin": skin,
        "skin_shade": skin * torch.tensor([0.78, 0.68, 0.64]),
        "blush": skin * 0.40 + torch.tensor([0.54, 0.16, 0.17]) * (0.70 + 0.30 * skin[:, :1]),
        "lips": torch.where(painted, _pick(_LIPSTICKS, u[:, 7]), lips),
        "hair_dark": dark * (0.5 + 0.5 * vary),
        "hair_light": light * (0.5 + 0.5 * vary),
        "eyes": _pick(_EYES, u[:, 8]),
        "backdrop": backdrop[:, 0] * vary,
        "backdrop_light": backdrop[:, 1],
        "garment": garment[:, 0],
        "garment_accent": garment[:, 1],
        "hat": hat[:, 0],
        "hat_accent": hat[:, 1],
        "jewel": _pick(_JEWELS, u[:, 9]),
        "frame": _pick(_FRAMES, u[:, 10]),
        "tie": _pick(_GARMENTS, u[:, 11])[:, 0],
        "shirt": torch.tensor([0.97, 0.96, 0.94]).expand_as(skin),
    }


def _hair(named: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Return the dark and light ends (N, 3): the mean of the flagged colours, auburn where none is."""
    flags = torch.cat([named[name] for name in _HAIR], dim=1)
    none = (flags.sum(1, keepdim=True) == 0).float()
    weights = torch.cat([flags, none], dim=1)
    weights = weights / weights.sum(1, keepdim=True)
    ends = torch.tensor([*_HAIR.values(), _AUBURN], dtype=torch.float32) / 255  # (colours, 2, 3)
    mixed = (weights[:, :, None, None] * ends).sum(1)
    return mixed[:, 0], mixed[:, 1]


def _pick(palette: tuple, u: Tensor) -> Tensor:
    """Choose one row of a palette per uniform (N,)."""
    rows = torch.tensor(palette, dtype=torch.float32) / 255
    return rows[(u * len(rows)).long()]


def _along(ramp: tuple, u: Tensor) -> Tensor:
    """Interpolate along a ramp of colours by a uniform (N,)."""
    stops = torch.tensor(ramp, dtype=torch.float32) / 255
    place = u * (len(stops) - 1)
    low = place.long().clamp(max=len(stops) - 2)
    return torch.lerp(stops[low], stops[low + 1], (place - low)[:, None])
