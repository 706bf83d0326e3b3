"""VAE and VAE/GAN (Larsen et al., arXiv 1512.09300) on one shared encoder/decoder."""

from vaegan.model import Model, load

__all__ = ["Model", "load"]
