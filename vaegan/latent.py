"""Codes: paths between them, the manifold's grid, one dimension at a time, and the directions of attributes."""

from typing import Protocol

import torch
from torch import Tensor

from vaegan.errors import UsageError

VECTOR_IMAGES = 10_000  # training images that attribute vectors are made of, as in the paper


class Encodes(Protocol):
    """What of `vaegan.Model` is needed here."""

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]: ...


def linear(a: Tensor, b: Tensor, n: int) -> Tensor:
    """Return n codes (n, D) on the straight line from a (D,) to b (D,), both ends included."""
    t = torch.linspace(0, 1, n, device=a.device)[:, None]
    return (1 - t) * a + t * b


def spherical(a: Tensor, b: Tensor, n: int) -> Tensor:
    """Return n codes (n, D) on the arc from a (D,) to b (D,), both ends included (White, arXiv 1609.04468).

    Codes of a Gaussian prior lie near a sphere, which the straight line leaves: halfway it is nearer the origin than
    nearly all of them. Where a and b point the same way, or oppositely, or one is zero, the line is returned.
    """
    omega = torch.arccos(torch.nn.functional.cosine_similarity(a, b, dim=0).clamp(-1, 1))
    if omega.sin().abs() < 1e-4 or not a.any() or not b.any():
        return linear(a, b, n)
    t = torch.linspace(0, 1, n, device=a.device)[:, None]
    return (((1 - t) * omega).sin() * a + (t * omega).sin() * b) / omega.sin()


def manifold(side: int, extent: float = 3.0) -> Tensor:
    """Return the codes (side * side, 2) of a square grid over [-extent, extent]^2, row by row from the top left.

    The second number grows upwards, as in a chart. The default is the jmetzen figure's.
    """
    ticks = torch.linspace(-extent, extent, side)
    up, right = torch.meshgrid(ticks.flip(0), ticks, indexing="ij")
    return torch.stack([right.flatten(), up.flatten()], dim=1)


def traversal(z: Tensor, dimension: int, values: Tensor) -> Tensor:
    """Return the code z (D,) with `dimension` set to each of `values` (V,): (V, D)."""
    codes = z.repeat(len(values), 1)
    codes[:, dimension] = values
    return codes


def activity(mu: Tensor) -> Tensor:
    """Return each dimension's variance over images, (D,), of posterior means (N, D).

    A dimension that the encoder does not use has the prior's mean for every image, so 0 (Burda et al., arXiv
    1509.00519, call a dimension active above 0.01).
    """
    return mu.var(dim=0, unbiased=False)


def mean_differences(z: Tensor, attributes: Tensor) -> Tensor:
    """Return Larsen's attribute vectors (A, D): the mean of codes z (N, D) with each attribute minus the mean without.

    attributes: (N, A), 0 or 1. Attributes that occur together share their directions: see `partial_effects`.
    Raises UsageError for an attribute that all images have, or none.
    """
    has = _varying(attributes)
    return (has.T @ z) / has.sum(0)[:, None] - ((1 - has).T @ z) / (1 - has).sum(0)[:, None]


def partial_effects(z: Tensor, attributes: Tensor) -> Tensor:
    """Return attribute vectors (A, D) with the others held fixed: the coefficients of codes regressed on attributes.

    z: (N, D); attributes: (N, A), 0 or 1. Equal to `mean_differences` where attributes occur independently.
    Raises UsageError for an attribute that all images have, or none.
    """
    has = _varying(attributes).double()
    centred = has - has.mean(0)
    return torch.linalg.lstsq(centred, z.double() - z.double().mean(0), driver="gelsd").solution.float()


def calibrated(z: Tensor, attributes: Tensor) -> Tensor:
    """Return attribute vectors (A, D) that move the linear estimate of their attribute by one, and no other's.

    z: (N, D); attributes: (N, A), 0 or 1. The estimate is the least-squares one of attributes from codes; it explains
    part of an attribute only, so a difference of means moves it by less than one, and edits too little. Among the steps
    that do this, these are the most probable ones under the codes' covariance. An attribute that codes hardly hold
    gets a long vector that draws no face.
    Raises UsageError for an attribute that all images have, or none.
    """
    has = _varying(attributes).double()
    y, x = has - has.mean(0), z.double() - z.double().mean(0)
    readout = torch.linalg.lstsq(x, y, driver="gelsd").solution  # (D, A): the estimate is x @ readout
    covariance = x.T @ y / len(x)  # (D, A), of codes with attributes
    return torch.linalg.lstsq(covariance.T @ readout, covariance.T, driver="gelsd").solution.float()


def attribute_vectors(model: Encodes, images: Tensor, attributes: Tensor, method: str = "means") -> Tensor:
    """Return attribute vectors (A, D) of a model from training images (N, C, S, S) and their attributes (N, A).

    Of more than VECTOR_IMAGES images, as many are taken at equal distances. `method` is one of VECTORS.
    """
    chosen = torch.linspace(0, len(images) - 1, min(len(images), VECTOR_IMAGES)).round().long()
    return VECTORS[method](model.encode(images[chosen])[0], attributes[chosen])


VECTORS = {"means": mean_differences, "partial": partial_effects, "calibrated": calibrated}


def _varying(attributes: Tensor) -> Tensor:
    """Return attributes as float. Raises UsageError where one never varies, as its vector would be 0 / 0."""
    has = attributes.float()
    constant = [i for i, share in enumerate(has.mean(0).tolist()) if share in (0, 1)]
    if constant:
        raise UsageError(
            f"attribute {constant[0]} is the same in all {len(has)} images: no direction changes it; use more images"
        )
    return has
