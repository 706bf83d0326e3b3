"""The reference of a table of distances: real images, the training images beside them, and the floors."""

from torch import Tensor

from eval.distances.columns import Features, reference
from eval.distances.extraction import content, extract_cached
from eval.distances.table import FLOORS, Protocol, Set, of_vectors
from eval.features.choice import Extractor
from eval.sources.held_out import drawn
from eval.words import dataset_title
from vaegan.data import ImageSet
from vaegan.machine import processes
from vaegan.machine.progress import Bar

MOST_TRAINING = 60_000  # training images among which copies are looked for: all of MNIST


def prepared(
    test: ImageSet, train: ImageSet, parts: tuple[Tensor, Tensor], extractor: Extractor, seed: int
) -> tuple[Protocol, list[Set]]:
    """The protocol and the floors of a table whose reference is the first of two disjoint `parts` of `test`'s images.

    The floors are as many training images, and the other part: what an image set can reach that is real. Features of
    real images come from the cache folder when they were extracted before.
    """
    calibration, reported = parts
    training = drawn(train.images, MOST_TRAINING, seed)
    of_reference = _features("held-out images, reference", calibration, extractor)
    of_reported = _features("held-out images, others", reported, extractor)
    vectors = _features("training images", training, extractor).vectors
    name = f"{dataset_title(test.name)} {test.image_size}x{test.image_size}, part of the {len(test.images):,} held out"
    protocol = Protocol(
        extractor,
        reference(of_reference, vectors, of_reported.vectors),
        name,
        content(calibration),
        content(training),
        seed,
    )
    return protocol, [Set(FLOORS[0], None, of_vectors(vectors[: len(reported)])), Set(FLOORS[1], None, of_reported)]


def _features(title: str, images: Tensor, extractor: Extractor) -> Features:
    with progress(title, len(images)) as bar:
        return extract_cached(images, extractor, bar.update, bar.write)


def progress(title: str, count: int) -> Bar:
    """A bar of `count` images, of the first process alone."""
    return Bar(total=count, desc=title, unit=" images", disable=processes.rank() > 0)
