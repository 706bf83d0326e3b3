"""The protocol that a distance was measured by, without which it means nothing, and the refusal to mix two of them."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, get_origin, get_type_hints

from eval.versions import versions
from vaegan.commandline.commands import spoken
from vaegan.errors import UserError

QUANTISATION = "uint8: clamp, scale, round"
DECIDING = (  # what two numbers of one column must share; draws and library versions are recorded, and may differ
    "extractor",
    "sha256",
    "resize",
    "quantisation",
    "reference",
    "reference_count",
    "reference_sha256",
    "training_count",
    "training_sha256",
)


@dataclass(frozen=True)
class Fingerprint:
    """Everything that a distance depends on besides the images it is about."""

    extractor: str
    sha256: str  # of the extractor's weights
    resize: str  # what the extractor does to images of another size
    count: int  # images of the set
    reference: str  # data set, size and split in words
    reference_count: int
    reference_sha256: str  # of the reference images' bytes
    training_count: int  # images that memorisation is looked for in
    training_sha256: str
    seed: int  # decides which held-out images are the reference, and the prior samples
    is_fid: bool  # whether the extractor is the published Inception
    versions: dict[str, str]
    quantisation: str = QUANTISATION

    def to_dict(self) -> dict:
        """The whole of it, for JSON."""
        return asdict(self)

    @property
    def short(self) -> str:
        """What a column's name says of it."""
        return (
            f"{self.extractor} {self.sha256[:8]}, {self.resize}, {self.count:,} images against "
            f"{self.reference_count:,} of {self.reference}"
        )


def fingerprint(**values: Any) -> Fingerprint:
    """A fingerprint of this machine's library versions."""
    return Fingerprint(**values, versions=versions())


def of_dict(values: dict) -> Fingerprint:
    """Read `to_dict` back. Raises UserError when it is of another version."""
    try:
        record = Fingerprint(**values)
        types = {name: get_origin(kind) or kind for name, kind in get_type_hints(Fingerprint).items()}
        if wrong := [name for name, kind in types.items() if not isinstance(getattr(record, name), kind)]:
            raise TypeError(f"its {wrong[0]} is of another type")
        return record
    except TypeError as error:
        raise UserError(
            f"a fingerprint of another version ({error}); measure anew with {spoken('distances')}"
        ) from None


def one_column(named: Iterable[tuple[str, Fingerprint]]) -> Fingerprint:
    """Return the protocol that all of these share.

    Raises UserError, naming the first difference and the remedy, where two numbers were not measured alike.
    """
    (first_name, first), *others = named
    for name, other in others:
        for field in DECIDING:
            ours, theirs = getattr(first, field), getattr(other, field)
            if ours != theirs:
                raise UserError(
                    f"{first_name} and {name} cannot stand in one column: {field} is {_brief(ours)} for the first and "
                    f"{_brief(theirs)} for the second; measure both anew by one command: {spoken('distances')}"
                )
    return first


def _brief(value: object) -> str:
    text = f"{value:,}" if isinstance(value, int) else str(value)
    return f"{text[:12]}..." if len(text) == 64 else text
