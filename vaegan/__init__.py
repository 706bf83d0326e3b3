"""VAE and VAE/GAN (Larsen et al., arXiv 1512.09300) on one shared encoder/decoder."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vaegan.model import Model, load

    __version__: str

__all__ = ["Model", "__version__", "load"]


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for: a command line must not wait for torch to be understood."""
    if name == "__version__":
        from importlib.metadata import version

        return version("vaegan")
    if name in __all__:
        from vaegan import model

        return getattr(model, name)
    raise AttributeError(f"module 'vaegan' has no attribute {name!r}")
