"""The Inception network that the name "FID" belongs to, as torch-fidelity runs it, from a weights file on this machine.

The weights are TensorFlow's of 2015-12-05, converted by the authors of pytorch-fid (github.com/mseitzer/pytorch-fid)
and published again by torch-fidelity's (github.com/toshas/torch-fidelity, Obukhov et al. 2020).
"""

import hashlib
import io
import pickle
import re
from pathlib import Path

import torch

from eval.features.fidelity import Wrapped
from vaegan.errors import UsageError, UserError
from vaegan.storage.reading import contents, reason

URL = "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth"
FILE_NAME = URL.rpartition("/")[2]  # by torch.hub's convention it ends with the first 8 digits of the sha256
PUBLISHED_SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
RESIZE_RULE = "299 px, bilinear as TensorFlow 1, not antialiased"  # torch-fidelity's, inside the network
NUM_FEATURES = 2048  # the last pool


class Inception(Wrapped):
    """The extractor: the last pool's 2048 features, of about 6 billion multiplications an image, 300 times as many as
    this project's own networks cost."""

    num_features = NUM_FEATURES

    def __init__(self, network: torch.nn.Module, sha256: str):
        super().__init__("the Inception network", network, "cuda" if torch.cuda.is_available() else "cpu")
        self.sha256 = sha256

    @property
    def is_fid(self) -> bool:
        """Whether a Frechet distance made with it may be called FID: only with the published weights."""
        return self.sha256 == PUBLISHED_SHA256

    @property
    def name(self) -> str:
        """The network, its weights and its resize rule, as every number made with it must state."""
        identity = self.identity()
        return f"{identity['extractor']} ({self.sha256[:8]}; {RESIZE_RULE})"

    def identity(self) -> dict[str, str]:
        """What `name` says, in full: the plain name, the weights' whole sha256 and the resize rule."""
        plain = "inception" if self.is_fid else f"inception, weights {self.sha256[:8]}, not the published ones"
        return {"extractor": plain, "sha256": self.sha256, "resize": RESIZE_RULE}


def published() -> Inception:
    """The published network from torch.hub's cache, where torch-fidelity keeps it; fetched there when it is absent.

    Raises UserError when it is absent and cannot be fetched, or when the file there is another one.
    """
    _architecture()  # fail before a download of 96 MB
    file = Path(torch.hub.get_dir()) / "checkpoints" / FILE_NAME
    if not file.is_file():
        _fetch(file)
    return load(file)


def load(file: Path) -> Inception:
    """The network with the weights of `file`, which is only read; without the published ones it has another name.

    Raises UserError when the file is absent, is damaged, holds another network, or when its name promises another
    sha256, as torch.hub's names do (NAME-6726825d.pth).
    """
    architecture = _architecture()
    try:
        data = contents(file)
    except OSError as error:
        raise UsageError(f"cannot read the Inception weights {file} ({reason(error)})") from None
    sha256 = hashlib.sha256(data).hexdigest()
    promised = re.search(r"-([0-9a-f]{8,64})\.[a-z]+$", file.name)
    if promised and not sha256.startswith(promised[1]):
        raise UserError(
            f"{file} has sha256 {sha256[:8]}..., but its name promises {promised[1]}...: it is truncated or another "
            f"file; replace it by {URL}"
        )
    return Inception(_rebuilt(architecture, data, file), sha256)


def _rebuilt(architecture: type, data: bytes, file: Path) -> torch.nn.Module:
    try:
        weights = torch.load(io.BytesIO(data), weights_only=True)  # torch-fidelity would run code that hides in a file
        if not isinstance(weights, dict):
            raise ValueError(f"a {type(weights).__name__}")
        # Through a file in memory: what was checked and hashed is what is loaded.
        return architecture("inception-v3-compat", [str(NUM_FEATURES)], io.BytesIO(data))
    except (RuntimeError, ValueError, EOFError, KeyError, pickle.UnpicklingError) as error:
        raise UserError(f"{file} holds no weights of the FID Inception network ({reason(error)}); get {URL}") from None


def _architecture() -> type:
    try:
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
    except ImportError:
        raise UsageError(
            "--features inception needs torch-fidelity; install it with: pip install torch-fidelity"
        ) from None
    return FeatureExtractorInceptionV3


def _fetch(file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(URL, str(file), hash_prefix=PUBLISHED_SHA256)  # complete or not at all
    except Exception as error:  # whatever the network, a proxy or the disk did
        reason = " ".join(str(error).split())[:80]
        raise UsageError(
            f"the FID Inception weights are not here and could not be fetched ({reason}); put {URL} (sha256 "
            f"{PUBLISHED_SHA256}) at {file}, or give its place with --features FILE.pth"
        ) from None
