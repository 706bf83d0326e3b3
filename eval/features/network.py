"""A feature network of this project: uint8 images in, features out, and a card that says what the network is."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from vaegan.config_json import is_of
from vaegan.data.fitting import fit
from vaegan.errors import UsageError, UserError
from vaegan.pixels import to_float
from vaegan.storage.reading import contents, reason, text
from vaegan.storage.writing import write_file

SHIPPED = Path(__file__).with_name("weights")
INPUT_SIZE = 32
RESIZE_RULE = "32 px, bilinear, antialiased"  # what vaegan.data.fitting.fit does to any other size
MOST_FEATURES = 100_000  # a crafted card may claim any number, which torch would allocate
NUM_FEATURES = 128


def _block(channels_in: int, channels_out: int, kernel: int, stride: int) -> nn.Sequential:
    convolution = nn.Conv2d(channels_in, channels_out, kernel, stride, padding=kernel // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(channels_out), nn.ReLU(inplace=True))


class _Residual(nn.Module):
    """Two blocks whose result is added to their input (He et al. 2016, arXiv 1512.03385)."""

    def __init__(self, channels: int):
        super().__init__()
        self.change = nn.Sequential(_block(channels, channels, 3, 1), _block(channels, channels, 3, 1))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.change(x)


def _plain(channels: int, num_features: int) -> list[nn.Module]:
    return [
        _block(channels, 32, kernel=5, stride=2),  # 16 x 16
        _block(32, 48, kernel=3, stride=1),
        _block(48, 96, kernel=3, stride=2),  # 8 x 8
        _block(96, num_features, kernel=3, stride=2),  # 4 x 4
    ]


def _residual(channels: int, num_features: int) -> list[nn.Module]:
    return [
        _block(channels, 32, kernel=5, stride=2),  # 16 x 16
        _Residual(32),
        _block(32, 96, kernel=3, stride=2),  # 8 x 8
        _Residual(96),
        _block(96, num_features, kernel=3, stride=2),  # 4 x 4
    ]


# Blocks of (channels, num_features); the one before the last gives the 8x8 maps of 96 channels.
ARCHITECTURES: dict[str, Callable[[int, int], list[nn.Module]]] = {
    "plain": _plain,  # 9 million multiplications an image: enough for digits, clothes and drawn faces
    "residual": _residual,  # 20 million: photographs need them
}


@dataclass(frozen=True)
class Card:
    """What a feature network is; stored as JSON beside its weights."""

    name: str
    data: str  # the data set it was trained on
    kind: str  # "classes": one of the outputs is true; "attributes": each is true or not
    channels: int
    output_names: tuple[str, ...]
    accuracy: float  # on the held-out images; over attributes the mean
    chance: float  # the accuracy of always giving each output's commonest answer
    accuracies: dict[str, float]  # by output: recall of a class, accuracy of an attribute
    training: str  # the command and its budget
    seed: int
    num_features: int = NUM_FEATURES
    sha256: str = ""  # of the weights file
    architecture: str = "plain"  # a key of ARCHITECTURES
    training_seconds: int | None = None  # by the clock, on the machine where it was made
    note: str = ""  # what is unusual about the data

    def to_json(self) -> str:
        return json.dumps({field.name: getattr(self, field.name) for field in fields(self)}, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Card":
        """Raises ValueError, TypeError or KeyError when `text` is no card that this version understands."""
        entries = json.loads(text)
        card = cls(**{**entries, "output_names": tuple(entries["output_names"])})
        wrong = [
            f.name for f in fields(cls) if f.type in (str, int, float) and not is_of(getattr(card, f.name), f.type)
        ]
        sizes = (card.channels, card.num_features, len(card.output_names))
        if wrong or not all(0 < size <= MOST_FEATURES for size in sizes):
            raise ValueError(f"its {wrong[0]} is of another type" if wrong else f"sizes {sizes} are not possible")
        if card.architecture not in ARCHITECTURES:
            raise ValueError(f"its architecture {card.architecture!r} is not one of {', '.join(ARCHITECTURES)}")
        return card


class FeatureNetwork(nn.Module):
    """A small convolutional classifier of 32x32 images whose penultimate layer is the feature vector.

    It is always in evaluation mode and without gradients once `load`ed. Features are means over space of rectified
    channels, so they are 0 or more.
    """

    is_fid = False  # nor is any number made with it

    def __init__(self, card: Card):
        super().__init__()
        self.card = card
        self.num_features = card.num_features
        blocks = ARCHITECTURES[card.architecture](card.channels, card.num_features)
        self.map_blocks = len(blocks) - 1
        self.trunk = nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.head = nn.Linear(card.num_features, len(card.output_names))
        self.to(memory_format=torch.channels_last)  # convolutions on a CPU are a third faster so

    @property
    def name(self) -> str:
        """The network, its weights and its resize rule, as every number made with it must state."""
        return f"{self.card.name} ({self.card.sha256[:8]}; {RESIZE_RULE})"

    def identity(self) -> dict[str, str]:
        """What `name` says, in full: the plain name, the weights' whole sha256 and the resize rule."""
        return {"extractor": self.card.name, "sha256": self.card.sha256, "resize": RESIZE_RULE}

    def forward(self, images: Tensor) -> Tensor:
        """Map uint8 (N, C, H, W) of any size to float32 features (N, num_features)."""
        return self.trunk(to_float(self._fitted(images)))

    @torch.no_grad()
    def features(self, images: Tensor, batch_size: int = 500) -> Tensor:
        """Return float32 features (N, num_features) of uint8 (N, C, H, W); grey is repeated to RGB when needed.

        They come back to the CPU from whichever device. Raises UserError for images that are not uint8 or have colour
        that the network cannot take.
        """
        return torch.cat([self(batch).cpu() for batch in images.split(batch_size)])

    @torch.no_grad()
    def maps(self, images: Tensor, batch_size: int = 500) -> Tensor:
        """Return the 8x8 maps before the last block, float32 (N, 6144), of uint8 (N, C, H, W); errors as `features`.

        They say what is where; the features say which classes or attributes are there, and how clearly.
        """
        early = self.trunk[: self.map_blocks]
        batches = images.split(batch_size)
        return torch.cat([early(to_float(self._fitted(batch))).flatten(1).cpu() for batch in batches])

    @torch.no_grad()
    def logits(self, images: Tensor, batch_size: int = 500) -> Tensor:
        """Return what the head says of uint8 (N, C, H, W), float32 (N, outputs); errors as `features`."""
        return torch.cat([self.head(self(batch)).cpu() for batch in images.split(batch_size)])

    @torch.no_grad()
    def predict(self, images: Tensor, batch_size: int = 500) -> Tensor:
        """Return the (N,) int64 class, or the (N, A) uint8 attributes, of uint8 (N, C, H, W); errors as `features`."""
        logits = self.logits(images, batch_size)
        return logits.argmax(dim=1) if self.card.kind == "classes" else (logits > 0).to(torch.uint8)

    def _fitted(self, images: Tensor) -> Tensor:
        check_uint8(images)
        if images.shape[1] == 1 and self.card.channels == 3:
            images = images.expand(-1, 3, -1, -1)
        if images.shape[1] != self.card.channels:
            raise UserError(
                f"the feature network {self.card.name} takes {self.card.channels} channel(s), the images have "
                f"{images.shape[1]}; choose another with --features"
            )
        return fit(images.to(self.head.weight.device), INPUT_SIZE)


def check_uint8(images: Tensor) -> None:
    """Raise UserError for anything but uint8 (N, C, H, W)."""
    if images.dtype != torch.uint8 or images.ndim != 4:
        raise UserError(f"features need uint8 images (N, C, H, W), not {images.dtype} {tuple(images.shape)}")


def as_rgb(images: Tensor, taker: str) -> Tensor:
    """uint8 (N, 3, H, W), grey repeated; UserError, which names who takes them, for anything but grey and RGB."""
    check_uint8(images)
    if images.shape[1] not in (1, 3):
        raise UserError(f"{taker} takes grey or RGB images, not {images.shape[1]} channels")
    return images.expand(-1, 3, -1, -1)


def load(file: Path) -> FeatureNetwork:
    """Load weights from `file`.safetensors and their card from the .json beside it, frozen and in evaluation mode.

    Raises UserError when either is absent, the weights are not those of the card (sha256), or do not fit the network.
    """
    try:
        data = contents(file)
    except FileNotFoundError:
        raise UsageError(
            f"no feature network at {file}; give a .safetensors file with its .json card beside it"
        ) from None
    except OSError as error:
        raise UserError(f"{file} cannot be read ({reason(error)}); give a .safetensors file") from None
    card = _read_card(file.with_suffix(".json"))
    sha256 = hashlib.sha256(data).hexdigest()
    if sha256 != card.sha256:
        raise UserError(
            f"{file} has sha256 {sha256[:12]}..., but its card {card.sha256[:12]}...; fetch both files anew"
        )
    try:
        return rebuilt(card, data)
    except (safetensors.SafetensorError, RuntimeError) as error:
        raise UserError(f"{file} are no weights of this feature network ({reason(error)}); make it anew") from None


def rebuilt(card: Card, data: bytes) -> FeatureNetwork:
    """The network of a card and the bytes of its weights, frozen and in evaluation mode.

    Raises SafetensorError or RuntimeError when they are not weights of that network.
    """
    network = FeatureNetwork(card)
    network.load_state_dict(safetensors.torch.load(data))
    return network.eval().requires_grad_(False)


def save(network: FeatureNetwork, file: Path) -> Card:
    """Write the weights to `file` and, beside it, the network's card with their sha256; return that card."""
    card, data = packed(network)
    try:
        write_file(file, data)
        write_file(file.with_suffix(".json"), card.to_json().encode())
    except OSError as error:
        raise UserError(f"cannot write {file} ({error.strerror}); choose another --out") from None
    return card


def packed(network: FeatureNetwork) -> tuple[Card, bytes]:
    """The network's card with the sha256 of its weights, and these weights as safetensors."""
    data = safetensors.torch.save({key: value.contiguous() for key, value in network.state_dict().items()})
    return replace(network.card, sha256=hashlib.sha256(data).hexdigest()), data


def _read_card(file: Path) -> Card:
    try:
        return Card.from_json(text(file))
    except FileNotFoundError:
        raise UsageError(f"no card {file} for the feature network; it must lie beside the weights") from None
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise UserError(
            f"{file} is not the card of a feature network ({reason(error)}); fetch both files anew"
        ) from None
