"""Starting weights out of another run: `--init RUN`."""

from pathlib import Path

from torch import nn

from vaegan import model
from vaegan.errors import UsageError
from vaegan.storage import fitting


def take(run: Path, networks: dict[str, nn.Module], trained: tuple[str, ...]) -> str:
    """Give the networks that train the weights of another run's, as far as it has them, and say which; the others keep
    their own. Raises UsageError, before anything is changed, for a run that has none of them or of other shapes."""
    donor = model.load(run).networks
    shared = [name for name in trained if name in donor]
    if not shared:
        raise UsageError(
            f"--init {run} has {', '.join(donor)}, and this mode trains {', '.join(trained)}: leave it out"
        )
    for name in shared:
        if why := fitting.misfit(networks[name].state_dict(), donor[name].state_dict()):
            raise UsageError(
                f"--init {run} does not fit: its {name} {why}; give the --architecture, --width, --latent-dim, "
                "--image-size and --norm that it was trained with"
            )
    for name in shared:
        networks[name].load_state_dict(donor[name].state_dict())
    rest = [name for name in trained if name not in shared]
    return f"{', '.join(shared)} from {run}" + (f"; a new {', '.join(rest)}" if rest else "")
