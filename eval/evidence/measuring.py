"""One pass over a source: every measure, audit, feature and quality figure of its images, each computed once."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from eval.blur.audits import AUDITS
from eval.blur.measures import MEASURES, check_images, measured
from eval.blur.spectrum import power_spectrum
from eval.evidence import quality
from eval.features.network import FeatureNetwork
from eval.sources.runs import Source
from vaegan.errors import UserError

EXCERPT = 64  # first images kept for the eye
MAPPED, MAPPED_KINDS = 1024, ("real", "samples")  # first images whose maps are kept for their diversity: 25 MB
PRICED_KINDS = ("reconstructions", "baseline")  # whose distance from their originals is measured
QUALITY_COUNT = 1000  # reconstructions compared with their originals; SSIM alone costs 1 ms a 64x64 RGB image


@dataclass(frozen=True)
class Measured:
    """What one source measured, a value an image: measures and audits float64 (N,), features float32 (N, d)."""

    source: Source
    values: dict[str, Tensor] = field(repr=False)
    spectrum: Tensor = field(repr=False)  # mean power by frequency band, float64 (bands,)
    quality: dict[str, Tensor] = field(repr=False)  # of the first images of a reconstruction, else {}
    features: Tensor | None = field(repr=False)
    excerpt: Tensor = field(repr=False)  # uint8, the first images
    flat: int = 0  # images of one colour, which have no sharpness
    maps: Tensor | None = field(repr=False, default=None)  # float32, the first images'

    @property
    def run(self) -> str:
        """The label of the run that made its source. ValueError where none did."""
        if self.source.run is None:
            raise ValueError(f"{self.source.title} belong to no run")
        return self.source.run

    @property
    def seen(self) -> tuple[Tensor, Tensor]:
        """Maps and features. ValueError where it was measured without them."""
        if self.maps is None or self.features is None:
            raise ValueError(f"{self.source.title} was measured without a network, or is of no kind that has maps")
        return self.maps, self.features

    @property
    def all_flat(self) -> bool:
        return self.flat == self.source.count


def measure(
    source: Source, network: FeatureNetwork | None = None, advance: Callable[[int], object] = lambda n: None
) -> Measured:
    """Stream a source once through everything; `advance` hears the size of every batch, no `network` no features.

    Raises UserError, naming the source, unless it gives the uint8 images of one size that it promised.
    """
    values: dict[str, list[Tensor]] = {name: [] for name in (*MEASURES, *AUDITS)}
    quality_parts: list[dict[str, Tensor]] = []
    features, maps, excerpt, spectra, flat, seen = [], [], [], list[Tensor](), 0, 0
    for images in sound_batches(source):
        for name, batch_values in measured(images, MEASURES | AUDITS).items():
            values[name].append(batch_values)
        spectra.append(power_spectrum(images).sum(dim=0))
        if network is not None:
            features.append(network.features(images))
        if network is not None and source.kind in MAPPED_KINDS and seen < MAPPED:
            maps.append(network.maps(images[: MAPPED - seen]))
        if source.originals is not None and source.kind in PRICED_KINDS and seen < QUALITY_COUNT:
            pair = images[: QUALITY_COUNT - seen]
            quality_parts.append(quality.measure(pair, source.originals[seen : seen + len(pair)]))
        if seen < EXCERPT:
            excerpt.append(images[: EXCERPT - seen])
        flat += int((images.flatten(1).amin(dim=1) == images.flatten(1).amax(dim=1)).sum())
        seen += len(images)
        advance(len(images))
    return Measured(
        source,
        {name: torch.cat(parts) for name, parts in values.items()},
        sum(spectra[1:], start=spectra[0]) / seen,
        {name: torch.cat([part[name] for part in quality_parts]) for name in (quality_parts or [{}])[0]},
        torch.cat(features) if features else None,
        torch.cat(excerpt),
        flat,
        torch.cat(maps) if maps else None,
    )


def sound_batches(source: Source) -> Iterator[Tensor]:
    """The source's batches; UserError for none, for what is no uint8 image, for two sizes, for another count."""
    seen, shape = 0, None
    for images in source.batches():
        try:
            check_images(images)
        except UserError as error:
            raise UserError(f"{source.title}: {error}") from None
        shape = shape or tuple(images.shape[1:])
        if tuple(images.shape[1:]) != shape:
            raise UserError(f"{source.title}: images of two sizes, {shape} and {tuple(images.shape[1:])}")
        seen += len(images)
        yield images
    if not seen:
        raise UserError(f"{source.title}: there are no images to measure; give at least one")
    if seen != source.count:
        raise UserError(f"{source.title}: {seen:,} images came where {source.count:,} were promised")
