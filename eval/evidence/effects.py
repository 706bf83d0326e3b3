"""Effect sizes of a claim, on the primary measure's values image by image."""

from collections.abc import Sequence
from statistics import fmean
from typing import Any

from torch import Tensor

from eval.blur.measures import MEASURES, PRIMARY
from eval.uncertainty.verdicts import cliffs_delta, paired_effect


def effect(pairs: Sequence[tuple[Tensor, Tensor]], paired: bool) -> dict[str, Any]:
    """Effect size over pairs of values (N,), blurrier side first, mean over pairs; positive where that is blurrier.
    Reconstructions are `paired`: image i of both is a version of the same original."""
    name, size = ("Cohen's d_z over pairs", paired_effect) if paired else ("Cliff's delta", cliffs_delta)
    sign = -1 if MEASURES[PRIMARY].sharper_is_higher else 1
    return {"name": name, "value": sign * fmean(size(first, second) for first, second in pairs)}
