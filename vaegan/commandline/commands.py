"""Every command of the project by name, a row each, in the order in which people need them; known without imports."""

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from vaegan.errors import UserError

ROOT = Path(__file__).resolve().parents[2]


class Command(NamedTuple):
    """A row: the module with `main(args)`, what it does for people, and the name of its dataclass of flags."""

    module: str
    does: str
    flags: str = "Arguments"


TOPICS: dict[str, dict[str, Command]] = {
    "train and draw": {
        "train": Command("vaegan.train", "train one run: a VAE, a VAE/GAN or a mode between them", "run.Config"),
        "study": Command("eval.study", "train what is missing of data sets x modes x seeds, and compare", "Flags"),
        "sample": Command("vaegan.sample", "draw a picture of a run: samples, reconstructions, paths, attributes"),
        "projector": Command("vaegan.projector", "codes and images of a run for TensorBoard's projector"),
        "export": Command("vaegan.export", "take a run's networks elsewhere: safetensors, ONNX, torch.export"),
    },
    "measure": {
        "compare": Command("eval.compare", "by how many pixels of blur runs differ: the report"),
        "blur": Command("eval.blur.__main__", "the equivalent blur of anybody's images"),
        "distances": Command("eval.distances.__main__", "how far images are from real ones, by a stated protocol"),
        "health": Command("eval.health", "has a run collapsed, does it repeat itself, is there grain?"),
        "diagnose": Command("eval.diagnostics", "a VAE's bounds, what its code holds, how far it is from the prior"),
        "similarity": Command("eval.similarity", "do conditional runs draw the attributes asked for?"),
        "attribute-vectors": Command("eval.attribute_vectors", "does an attribute's vector change it, and it alone?"),
        "any-size": Command("eval.any_size", "is a CPPN's large image its small one, drawn sharper?"),
        "bench": Command("vaegan.bench", "what an update costs, as ratios"),
    },
    "hold something beside": {
        "memorizer": Command("baselines.memorizer", "networks that store images, one step before an autoencoder"),
        "pca": Command("baselines.pca", "the best linear code of a run's size"),
        "rate-distortion": Command("baselines.rate_distortion", "what a nat of information is worth, as beta varies"),
    },
    "try the instruments": {
        "recovery": Command("eval.recovery", "is a known blur recovered?"),
        "blur-controls": Command("eval.blur_controls", "what blur says of known damage, and how many images it needs"),
        "content-controls": Command("eval.content_controls", "is blur told from content?"),
        "distance-controls": Command("eval.distance_controls", "do distances grow as images get worse?"),
        "health-controls": Command("eval.health_controls", "what health says where it is known"),
        "error-rates": Command("eval.error_rates", "how often does the rule of the verdict err?"),
        "features": Command("eval.features.__main__", "train a feature network anew"),
        "feature-cards": Command("eval.feature_cards", "what the shipped feature networks are"),
    },
}
COMMANDS = {name: command for rows in TOPICS.values() for name, command in rows.items()}


def overview() -> str:
    """Return the list of commands, a line each."""
    lines = ["usage: vaegan COMMAND [FLAGS]; vaegan COMMAND --help says more, vaegan --version which one this is"]
    for topic, rows in TOPICS.items():
        lines += ["", topic, *(f"  {name:<18} {command.does}" for name, command in rows.items() if present(command))]
    return "\n".join(lines)


def present(command: Command) -> bool:
    """Whether the command's module lies in this installation."""
    return (ROOT / Path(*command.module.split("."))).with_suffix(".py").is_file()


def front_door() -> str:
    """Return what was typed to start the front door; "" where this program is another."""
    started = Path(sys.argv[0])
    if started.stem == "vaegan":
        return "vaegan"
    return "python -m vaegan" if started.parts[-2:] == ("vaegan", "__main__.py") else ""


def spoken(name: str) -> str:
    """Return how a command is typed where this program was started: by the name that was used, or as a module."""
    front = front_door()
    return f"{front} {name}" if front else f"python -m {COMMANDS[name].module.removesuffix('.__main__')}"


def program(prog: str | None) -> str | None:
    """Return what a help calls its program: `prog`, or the front door's words where that was what one typed."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    return spoken(name) if front_door() and name in COMMANDS else prog


def check_not_hidden(command: Command) -> None:
    """Raise UserError when a folder of the user's has the name of the command's package and is found before it."""
    package = command.module.split(".")[0]
    spec = find_spec(package)
    places = [Path(place).resolve() for place in (spec.submodule_search_locations or [])] if spec else []
    if ROOT / package not in places[:1]:
        other = f"{places[0]} hides" if places else f"{ROOT / package} is absent; it is"
        raise UserError(f"{other} the package {package!r} of vaegan: run the command from another folder, or rename it")
