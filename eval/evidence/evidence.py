"""Everything that was measured, before it is summed up: one object that all findings are read off."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from torch import Tensor

from eval.blur.calibration import Calibration
from eval.evidence.measuring import Measured
from eval.features.network import FeatureNetwork
from eval.sources.runs import HeldOut, Run
from eval.uncertainty.estimates import Estimate
from vaegan.data import ImageSet

COMPARED = ("reconstructions", "samples")
BASELINE = "baseline"  # linear VAEs: in the tables of figures, in no verdict


@dataclass(frozen=True)
class Splits:
    """A data set's images, loaded once."""

    train: ImageSet
    test: ImageSet


@dataclass(frozen=True)
class Evidence:
    """Everything that was measured, before it is summed up."""

    runs: Sequence[Run]
    held_out: HeldOut
    calibrations: dict[str, Calibration] = field(repr=False)
    measured: Sequence[Measured] = field(repr=False)
    network: FeatureNetwork
    network_is_own: bool  # made for this data set
    reference: Tensor = field(repr=False)  # the network's features of the calibration half, (N, d)
    distances: dict = field(repr=False)  # the finished table (eval.distances.table)
    seed: int
    splits: Splits | None = field(repr=False, default=None)  # where the images came from
    estimates: dict[tuple[str, str], Estimate] = field(repr=False, default_factory=dict)  # by source and measure

    def of(self, *kinds: str) -> list[Measured]:
        """The measured sources of some kinds, in order."""
        return [m for m in self.measured if m.source.kind in kinds]

    @property
    def real(self) -> Measured:
        return self.of("real")[0]

    def estimate(self, m: Measured, measure: str) -> Estimate:
        """Equivalent blur of a source in px, computed once; against its own originals where it has some, so that
        content cancels."""
        key = (m.source.id, measure)
        if key not in self.estimates:
            originals = self.real.values[measure][: m.source.count] if m.source.paired else None
            self.estimates[key] = self.calibrations[measure].estimate(m.values[measure], originals, self.seed)
        return self.estimates[key]
