"""The kinds of pictures of a trained run, a row each, and what a picture is asked for with: known without torch."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

Vectors = Literal["means", "partial", "calibrated"]  # of attributes: the keys of vaegan.latent.VECTORS
VECTORS: tuple[str, ...] = get_args(Vectors)


@dataclass(frozen=True)
class Arguments:
    """Draw one picture of a trained run: samples, reconstructions, paths and directions in its latent space."""

    run: Path
    """Run directory."""
    out: Path | None = None
    """PNG file to write; must be given."""
    kind: str = "samples"
    """What to draw, a row of KINDS."""
    n: int | None = None
    """How many; what of, and the default, is the kind's own."""
    size: int | None = None
    """Pixels a side; only decoders that draw at any size take one (--preset otoro)."""
    seed: int = 0
    """Decides codes drawn from the prior and which held-out images are shown."""
    codes: Path | None = None
    """NumPy file (.npy) of codes (N, D) that --kind samples draws instead of codes from the prior."""
    attributes: tuple[str, ...] = ()
    """Attributes to edit, or the one to colour a scatter by; default: all."""
    amount: float = 1.0
    """How much of an attribute's vector is added or removed; 1 is the paper's."""
    vectors: Vectors = "means"
    """means: with minus without, as in the paper; partial: the other attributes held fixed; calibrated: as far as the
    codes' linear estimate of the attribute goes from 0 to 1 and no other's moves."""
    data_dir: Path | None = None
    """Where the data lie, when not where the run found them."""
    device: str = "auto"
    """Where networks compute: auto, cpu or cuda."""


@dataclass(frozen=True)
class Kind:
    """A row: how many things the picture shows unless told, as far as there are images (None: as many as codes have
    dimensions), what these are, of how many held-out images each, and what it asks of a model."""

    n: int | None
    things: str
    images: int = 0
    encoder: bool = True
    latent_dim: int | None = None


KINDS = {
    "samples": Kind(64, "samples", encoder=False),
    "reconstructions": Kind(32, "reconstructions", 1),
    "interpolation": Kind(4, "pairs to go between", 2),
    "manifold": Kind(20, "rows of the manifold", encoder=False, latent_dim=2),
    "scatter": Kind(5000, "scattered codes", 1, latent_dim=2),
    "traversal": Kind(None, "dimensions traversed"),
    "attributes": Kind(10, "faces to edit", 1),
}
