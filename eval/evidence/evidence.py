"""Everything that was measured, before it is summed up: one object that all findings are read off."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from eval.blur.calibration import Calibration
from eval.blur.measures import PRIMARY
from eval.evidence.measuring import Measured
from eval.features.network import FeatureNetwork
from eval.sources.runs import HeldOut, Run
from eval.uncertainty.estimates import Estimate, reading
from eval.uncertainty.verdicts import too_few
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
    # By source id the primary measure under each earlier snapshot of its run (eval.evidence.steadiness).
    snapshots: Mapping[str, Sequence[Tensor]] = field(repr=False, default_factory=dict)
    grain: Mapping[str, Calibration] = field(repr=False, default_factory=dict)  # by judged audit (eval.evidence.grain)
    readings: dict[str, tuple[Estimate, float]] = field(repr=False, default_factory=dict)  # by source id

    def of(self, *kinds: str) -> list[Measured]:
        """The measured sources of some kinds, in order."""
        return [m for m in self.measured if m.source.kind in kinds]

    @property
    def real(self) -> Measured:
        return self.of("real")[0]

    @property
    def too_few(self) -> list[str]:
        """Why nothing may be concluded from so few reported images; [] of enough."""
        return too_few(len(self.held_out.report))

    def estimate(self, m: Measured, measure: str) -> Estimate:
        """Equivalent blur in px of a source as it was measured, of a run under its last weights; computed once."""
        key = (m.source.id, measure)
        if key not in self.estimates:
            self.estimates[key] = self._estimate(m, m.values[measure], measure)
        return self.estimates[key]

    def reading(self, m: Measured) -> tuple[Estimate, float]:
        """What a source reads by the primary measure: of a run the mean over its snapshots, with their standard
        deviation in px^2 (NaN of one); computed once."""
        if m.source.id not in self.readings:
            self.readings[m.source.id] = reading(self.estimate(m, PRIMARY), self.of_snapshots(m))
        return self.readings[m.source.id]

    def of_snapshots(self, m: Measured) -> list[Estimate]:
        """A source's equivalent blur under every snapshot of its run on the same first images, the last weights last;
        [] where there is but one."""
        before = self.snapshots.get(m.source.id, ())
        now = [m.values[PRIMARY][: len(before[0])]] if before else []
        return [self._estimate(m, values, PRIMARY) for values in (*before, *now)]

    def _estimate(self, m: Measured, values: Tensor, measure: str) -> Estimate:
        """Against the originals of these images where there are some, so that content cancels."""
        originals = self.real.values[measure][: len(values)] if m.source.paired else None
        return self.calibrations[measure].estimate(values, originals, self.seed)
