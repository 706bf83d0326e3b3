"""Which versions of what computed the numbers: a report, a table and a file of measurements each say it."""

import platform
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("vaegan", "torch", "torchvision", "torchmetrics", "scipy", "numpy", "matplotlib")


def versions() -> dict[str, str]:
    """Versions of what computed the numbers."""
    numbers = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            numbers[name] = version(name)
        except PackageNotFoundError:  # vaegan itself, run from a clone without installing
            numbers[name] = "not installed"
    return numbers
