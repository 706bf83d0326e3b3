"""DINOv2 and CLIP as torch-fidelity runs them, where their weights already lie on this machine.

Sources: Oquab et al. 2023, arXiv 2304.07193; Radford et al. 2021, arXiv 2103.00020; Obukhov et al. 2020.
"""

import hashlib
import importlib
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from eval.features.network import check_uint8
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


class Fidelity:
    """An extractor of the registry: uint8 images of any size in; grey is repeated to RGB. Its distances are no FID."""

    is_fid = False

    def __init__(self, name: str, network: nn.Module, sha256: str):
        self.plain, self.network, self.sha256 = name, network.eval(), sha256
        self.num_features = REGISTRY[name].dimension
        self.device = torch.device("cpu")

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

    def to(self, device: torch.device | str) -> "Fidelity":
        """The same on a device."""
        self.device, self.network = torch.device(device), self.network.to(device)
        return self

    @torch.no_grad()
    def features(self, images: Tensor, batch_size: int = 50) -> Tensor:
        """Return float32 features (N, num_features) of uint8 (N, 1 or 3, H, W); UserError for anything else."""
        check_uint8(images)
        if images.shape[1] not in (1, 3):
            raise UserError(f"{self.plain} takes grey or RGB images, not {images.shape[1]} channels")
        rgb = (batch.to(self.device).expand(-1, 3, -1, -1) for batch in images.split(batch_size))
        return torch.cat([self.network(batch)[0].float().cpu() for batch in rgb])


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
