"""DINOv2 and CLIP as torch-fidelity runs them, where their weights already lie on this machine.

Sources: Oquab et al. 2023, arXiv 2304.07193; Radford et al. 2021, arXiv 2103.00020; Obukhov et al. 2020.
"""

import hashlib
import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from eval.features.network import as_rgb
from vaegan.errors import UsageError, UserError
from vaegan.storage.reading import contents, reason


@dataclass(frozen=True)
class Published:
    """A row: which class of torch-fidelity runs it, and what must lie in torch.hub's folder."""

    module: str
    cls: str
    layer: str
    size: int
    dimension: int
    file: str  # under torch.hub's folder
    url: str
    code: str = ""  # a folder of code beside it that torch.hub would fetch


DINOV2 = "https://dl.fbaipublicfiles.com/dinov2/dinov2_vit{0}14/dinov2_vit{0}14_pretrain.pth"
CLIP = "https://openaipublic.azureedge.net/clip/models"
CLIP_SHA256 = "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af"
REGISTRY = {
    "dinov2-vit-s-14": Published(
        "feature_extractor_dinov2",
        "FeatureExtractorDinoV2",
        "dinov2",
        224,
        384,
        "checkpoints/dinov2_vits14_pretrain.pth",
        DINOV2.format("s"),
        "facebookresearch_dinov2_main",
    ),
    "clip-vit-b-32": Published(
        "feature_extractor_clip",
        "FeatureExtractorCLIP",
        "clip",
        224,
        512,
        f"checkpoints/clip-vit-b-32-{CLIP_SHA256}.pt",
        f"{CLIP}/{CLIP_SHA256}/ViT-B-32.pt",
    ),
}


Own = TypeVar("Own", bound="Wrapped")


class Wrapped:
    """A network of torch-fidelity as an extractor: uint8 images of any size in; grey is repeated to RGB."""

    def __init__(self, title: str, network: nn.Module, device: str = "cpu"):
        self.title, self.device = title, torch.device(device)
        self.network = network.eval().to(self.device)

    def to(self: Own, device: torch.device | str) -> Own:
        """The same on a device."""
        self.device, self.network = torch.device(device), self.network.to(device)
        return self

    @torch.no_grad()
    def features(self, images: Tensor, batch_size: int = 50) -> Tensor:
        """Return float32 features (N, num_features) of uint8 (N, 1 or 3, H, W), on the CPU; UserError for others."""
        batches = as_rgb(images, self.title).split(batch_size)
        return torch.cat([self.network(batch.to(self.device))[0].float().cpu() for batch in batches])


class Fidelity(Wrapped):
    """An extractor of the registry. Its distances are no FID."""

    is_fid = False

    def __init__(self, name: str, network: nn.Module, sha256: str):
        super().__init__(name, network)
        self.plain, self.sha256 = name, sha256
        self.num_features = REGISTRY[name].dimension

    @property
    def resize_rule(self) -> str:
        """torch-fidelity's, inside the network."""
        return f"{REGISTRY[self.plain].size} px, bilinear as TensorFlow 1, not antialiased"

    @property
    def name(self) -> str:
        """The network, its weights and its resize rule, as every number made with it must state."""
        return f"{self.plain} ({self.sha256[:8]}; {self.resize_rule})"

    def identity(self) -> dict[str, str]:
        """What `name` says, in full."""
        return {"extractor": self.plain, "sha256": self.sha256, "resize": self.resize_rule}


def load(name: str) -> Fidelity:
    """The extractor `name` of REGISTRY. Raises UsageError, saying what to put where, when its weights are not here."""
    row, hub = REGISTRY[name], Path(torch.hub.get_dir())
    try:
        module = importlib.import_module(f"torch_fidelity.{row.module}")
    except ImportError:
        raise UsageError(
            f"--features {name} needs torch-fidelity; install it with: pip install torch-fidelity"
        ) from None
    file = hub / row.file
    if not file.is_file():
        raise UsageError(f"--features {name}: its weights are not here; put {row.url} at {file}")
    if row.code and not (hub / row.code).is_dir():
        raise UsageError(
            f"--features {name}: its code is not here; put a clone of github.com/facebookresearch/dinov2 at "
            f"{hub / row.code}"
        )
    sha256 = hashlib.sha256(contents(file)).hexdigest()
    try:
        return Fidelity(name, getattr(module, row.cls)(name, [row.layer]), sha256)
    except Exception as error:  # whatever code and weights that were put there did
        raise UserError(
            f"{file} could not be opened as {name} ({reason(error)}); fetch it anew from {row.url}"
        ) from None
