"""VAE and VAE/GAN (Larsen et al., arXiv 1512.09300) on one shared encoder/decoder."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vaegan.config import Config
    from vaegan.model import Model, load
    from vaegan.sharing.hub import HubModel
    from vaegan.training.notebook import fit

    __version__: str

__all__ = ["Config", "HubModel", "Model", "__version__", "fit", "load"]
PLACES = {"Config": "config", "Model": "model", "load": "model", "fit": "training.notebook", "HubModel": "sharing.hub"}


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for: a command line must not wait for torch to be understood."""
    if name == "__version__":
        from importlib.metadata import version

        return version("vaegan")
    if name in PLACES:
        from importlib import import_module

        return getattr(import_module(f"vaegan.{PLACES[name]}"), name)
    raise AttributeError(f"module 'vaegan' has no attribute {name!r}")
