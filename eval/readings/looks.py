"""One pass over a stream of images: what each image measures, and which images cannot be compared."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from eval.blur import instrument
from eval.blur.instrument import ALL_ROWS, CONTRAST, LEAST, Values
from eval.blur.measures import SMALLEST_SIDE, Measure
from eval.images.files import Size, spelled
from eval.images.streams import Stream, coloured, digests, flat
from vaegan.errors import UsageError

Advance = Callable[[int], object]
EVERYTHING: dict[str, Measure] = {**ALL_ROWS, CONTRAST.name: CONTRAST}


@dataclass(frozen=True)
class Look:
    """What one pass over a stream saw: a value an image of every row, and what makes images unusable."""

    title: str
    values: Values = field(repr=False)
    flat: np.ndarray = field(repr=False)  # whether each image has one colour, bool (N,)
    coloured: bool  # whether any image has a pixel that is not grey
    digests: np.ndarray = field(repr=False)

    @property
    def count(self) -> int:
        return len(self.flat)

    def part(self, rows: Sequence[int] | np.ndarray | slice, title: str) -> "Look":
        """The same of some of its images."""
        values = {name: own[rows] for name, own in self.values.items()}
        return Look(title, values, self.flat[rows], self.coloured, self.digests[rows])


def look(
    stream: Stream,
    rows: np.ndarray | None = None,
    advance: Advance = lambda n: None,
    measures: Mapping[str, Measure] = EVERYTHING,
) -> Look:
    """Measure every image of a stream, or `rows` of them in that order; memory holds a few batches."""
    wanted = np.arange(stream.count) if rows is None else rows
    parts = [wanted[start : start + stream.batch] for start in range(0, len(wanted), stream.batch)]
    seen = []
    for part in instrument.side_by_side([partial(_seen, stream, part, measures) for part in parts]):
        seen.append(part)
        advance(part.count)
    return Look(
        stream.title,
        instrument.joined(part.values for part in seen),
        np.concatenate([part.flat for part in seen]),
        any(part.coloured for part in seen),
        np.concatenate([part.digests for part in seen]),
    )


def _seen(stream: Stream, rows: np.ndarray, measures: Mapping[str, Measure]) -> Look:
    images = stream.images(rows)
    values, one_colour = instrument.measured(images, measures), flat(images).numpy()
    return Look(stream.title, values, one_colour, bool(coloured(images).any()), digests(images))


# ---------------------------------------------------------------------------------------------- what is refused


def check(generated: Sequence[Stream], reference: Stream) -> None:
    """Raise UsageError for too few images, of two sizes, or too small ones."""
    for stream, least in (*((stream, LEAST) for stream in generated), (reference, instrument.LEAST_REFERENCE)):
        if stream.count < least:
            role = "as a reference " if stream is reference else ""
            raise UsageError(f"{stream.title} has {stream.count} image(s): {role}it needs {least} or more")
        if min(stream.size) < SMALLEST_SIDE:
            raise UsageError(
                f"{stream.title} has images of {spelled(stream.size)}; blur needs {SMALLEST_SIDE} pixels on each side"
            )
        check_size(stream.size, reference.size, (stream.title, reference.title))


def check_size(a: Size, b: Size, names: tuple[str, str]) -> None:
    """Raise UsageError for images of two sizes."""
    if a != b:
        raise UsageError(
            f"{names[0]} has images of {spelled(a)} and {names[1]} of {spelled(b)}; bring both to one size, for "
            f"example with --resize {spelled(a)}"
        )


def check_look(own: Look, real: Look) -> None:
    """Raise UsageError for flat images alone, and for grey against colour."""
    for side in (real, own):
        if side.flat.all():
            raise UsageError(f"all {side.count:,} images of {side.title} are flat: they have no sharpness to measure")
    if own.coloured != real.coloured:
        kinds = {True: "in colour", False: "grey (R = G = B counts as grey)"}
        raise UsageError(
            f"{own.title} is {kinds[own.coloured]} and {real.title} {kinds[real.coloured]}; convert one of them"
        )


def matched(stream: Stream, reference: Stream) -> np.ndarray:
    """Rows of the reference behind each image, by file name without suffix, else by number. UsageError, with the first
    names, where some have none."""
    if not stream.names or not reference.names:
        if stream.count != reference.count:
            raise UsageError(
                f"--paired: {stream.title} has {stream.count:,} images and {reference.title} {reference.count:,}; "
                "without file names they are paired by number, so there must be as many"
            )
        return np.arange(stream.count)
    for side in (stream, reference):
        if repeated := len(side.names) - len(set(side.names)):
            raise UsageError(f"--paired: {repeated} file name(s) of {side.title} differ in their suffix only")
    rows = {name: row for row, name in enumerate(reference.names)}
    absent = [name for name in stream.names if name not in rows]
    if absent:
        listed = ", ".join(absent[:5]) + (", ..." if len(absent) > 5 else "")
        raise UsageError(
            f"--paired: {len(absent)} of {stream.count:,} images of {stream.title} have no file of their name in "
            f"{reference.title}: {listed}"
        )
    return np.array([rows[name] for name in stream.names])
