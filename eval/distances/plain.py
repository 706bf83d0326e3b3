"""Distances of plain folders: every file of both, against the reference's own parts where it has some."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from eval.distances.columns import LEAST, Features, reference
from eval.distances.extraction import MOST_KEPT, digesting, extract, together
from eval.distances.reference import MOST_TRAINING, progress
from eval.distances.table import FLOORS, HALVES, Protocol, Set, of_vectors, rows
from eval.features.choice import Extractor
from eval.images.files import Size, spelled
from eval.images.streams import Stream, as_grey, flat, of_tensor, open_stream
from eval.sources.held_out import shuffled
from vaegan.data import DATASETS, load
from vaegan.data.fitting import fit
from vaegan.data.imageset import SIZES, SPLITS, ImageSet
from vaegan.errors import UsageError

FEATURE_IMAGES = 20_000  # evenly spaced ones, of which a data set without a network trains one
MOST_COPIES = 0.05  # of held-out images that are training images too, above which the two are no two sets


@dataclass(frozen=True)
class Real:
    """A reference: the images compared with, and the training images beside them where they are known apart."""

    name: str
    test: Stream
    train: Stream | None


def real_images(source: str, resize: Size | None, data_dir: Path, like: Size) -> Real:
    """Open a reference: a folder with train/ and test/ inside is used as such, any other is one set; of a data set, the
    held-out images and the training images. UsageError where it cannot be opened."""
    if source in DATASETS:
        return Real(source, *(_split(source, split, resize or like, data_dir) for split in reversed(SPLITS)))
    root = Path(source.removeprefix("folder:")).expanduser()
    if all((root / split).is_dir() for split in SPLITS):
        parts = {split: open_stream(f"folder:{root / split}", resize) for split in SPLITS}
        return Real(f"folder:{root}", parts["test"], parts["train"])
    return Real(source, open_stream(source, resize, data_dir), None)


def _split(name: str, split: str, wanted: Size, data_dir: Path) -> Stream:
    side = wanted[0] if wanted[0] == wanted[1] else None
    try:
        images = load(name, split, image_size=side or None, data_dir=data_dir)
    except UsageError:
        images = load(name, split, data_dir=data_dir)  # its own size: the mismatch is named with both
    return of_tensor(f"{name} {split}", images.images)


def checked(generated: Sequence[Stream], real: Real) -> tuple[list[Stream], Real]:
    """The same, all grey or all in colour. UsageError for too few images, none but flat ones, two sizes, grey against
    colour."""
    streams = [*generated, real.test, *([real.train] if real.train else [])]
    for stream in streams:
        if stream.count < LEAST:
            raise UsageError(f"{stream.title} has {stream.count} image(s): distances need {LEAST} or more of them")
        if stream is real.test and stream.count < 2 * LEAST:
            raise UsageError(f"{stream.title} has {stream.count} images: its floor needs {2 * LEAST} or more")
        if stream.size != real.test.size:
            raise UsageError(
                f"{stream.title} has images of {spelled(stream.size)} and {real.test.title} of "
                f"{spelled(real.test.size)}; bring both to one size, for example with --resize {spelled(stream.size)}"
            )
        if all(bool(flat(stream.images([row])).all()) for row in range(stream.count)):  # stops at the first that is not
            raise UsageError(f"all {stream.count:,} images of {stream.title} are flat: they have nothing to compare")
    if len({stream.shape[0] for stream in streams}) == 1:
        return list(generated), real
    grey = [as_grey(stream) for stream in streams]
    test, *train = grey[len(generated) :]
    return grey[: len(generated)], Real(real.name, test, train[0] if train else None)


def measured(
    generated: Sequence[Stream], real: Real, choose: Callable[[Callable[[], ImageSet]], Extractor], seed: int
) -> list[dict]:
    """Every row of a table, the floors first: all files against all files, each row with the counts it was made of."""
    generated, real = checked(generated, real)
    extractor = choose(lambda: example(real))
    test, sha256, seen = extracted(real.test, extractor, seed)
    refuse_repeats(real.test, seen[: len(test.vectors)])
    training, train_sha256 = None, sha256
    if real.train:
        training, train_sha256, others = extracted(real.train, extractor, seed, MOST_TRAINING)
        refuse_copies(real, seen, others)
    prepared = reference(test, training.vectors if training else None)
    name = f"{real.name} {spelled(real.test.size)}" + (f" ({real.test.note})" if real.test.note else "")
    protocol = Protocol(extractor, prepared, name, sha256, train_sha256, seed)
    floors = [halves(test, protocol)]
    if training:
        floors = [*rows([Set(FLOORS[0], None, of_vectors(training.vectors[: test.count]))], protocol), *floors]
    extracts = [extracted(stream, extractor, seed) for stream in generated]
    sets = [Set(stream.title, None, features) for stream, (features, *_) in zip(generated, extracts, strict=True)]
    own = rows(sets, protocol, floors[-1])
    for row, (_, _, digests) in zip(own, extracts, strict=True):
        row["flags"] += shared(digests, seen, real.test.title)
    return [*floors, *own]


def extracted(
    stream: Stream, extractor: Extractor, seed: int, most: int | None = None
) -> tuple[Features, str, np.ndarray]:
    """A stream's features in an order decided by the seed, the sha256 of its images in their own, a number an image.
    With `most`, of that many images, whose vectors are all kept."""
    order = shuffled(stream.count, seed)[:most]
    seen: dict[int, np.ndarray] = {}
    images = digesting(lambda first, last: stream.images(order[first:last].tolist()), seen)
    with progress(stream.title, len(order)) as bar:
        features = extract(len(order), images, extractor, bar.update, most or MOST_KEPT)
    digests, sha256 = together(seen, order)
    return features, sha256, digests


def halves(test: Features, protocol: Protocol) -> dict:
    """One random half of the reference against the other: what real images read, with half as many on either side."""
    half = len(test.vectors) // 2
    against = reference(of_vectors(test.vectors[half : 2 * half]))
    part = Protocol(
        protocol.extractor, against, protocol.name, protocol.reference_sha256, protocol.training_sha256, protocol.seed
    )
    (row,) = rows([Set(HALVES, None, of_vectors(test.vectors[:half]))], part)
    return row | {"copies": None, "nearer": None}


def refuse_repeats(test: Stream, digests: np.ndarray) -> None:
    """Raise UsageError where too many images of one of the floor's halves are in the other too."""
    half = len(digests) // 2
    repeated = int(np.isin(digests[half : 2 * half], digests[:half]).sum())
    if repeated > MOST_COPIES * half:
        raise UsageError(
            f"{test.title}: {repeated:,} of the {half:,} images of one half are in the other half too; a floor of "
            "copies is no floor, remove the copies"
        )


def shared(digests: np.ndarray, reference: np.ndarray, title: str) -> list[str]:
    """What a row's flags say of images that the reference has too."""
    count = int(np.isin(digests, reference).sum())
    return [f"{count:,} of {len(digests):,} images are in {title} too"] if count else []


def refuse_copies(real: Real, test: np.ndarray, train: np.ndarray) -> None:
    """Raise UsageError where too many held-out images are among the training images."""
    shared = int(np.isin(test, train).sum())
    if shared > MOST_COPIES * len(test):
        raise UsageError(
            f"{real.name}: {shared:,} of {len(test):,} held-out images are training images too; a floor of copies is "
            "no floor, remove them from one of the two"
        )


def example(real: Real) -> ImageSet:
    """Real images as a data set: what an extractor is chosen by, or trained on."""
    stream = real.train or real.test
    if real.name in DATASETS:
        return ImageSet(real.name, "train", stream.images(range(1)))
    every = range(0, stream.count, -(-stream.count // FEATURE_IMAGES))
    parts: list[Tensor] = [fit(images, SIZES[0]) for images in stream.batches(every)]
    name = real.name if ":" in real.name else f"folder:{real.name}"
    return ImageSet(name, "train", torch.cat(parts))
