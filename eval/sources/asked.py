"""The flags that name held-out images, known without torch."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vaegan.data import ImageSet


@dataclass(frozen=True)
class HeldOutArguments:
    """Flags of the commands that try the instrument out on held-out images."""

    dataset: str = "synthfaces"
    """Data set, as for `vaegan train`."""
    data_dir: Path = Path("data")
    """Where downloaded data sets lie."""
    image_size: int | None = None
    """Pixels a side; default the data set's own."""
    seed: int = 0
    """Decides the halves and every draw."""

    def load(self, split: str = "test") -> "ImageSet":
        """The held-out images, or the training images."""
        from vaegan.data import load

        return load(self.dataset, split, image_size=self.image_size, data_dir=self.data_dir)
