"""Do attribute vectors change what they name, and nothing else?

Vectors are made of 10,000 training images. Held-out faces without an attribute get its vector added to their posterior
mean, faces with it get it subtracted; the shipped attribute network judges what the decoder then draws.

added, removed: of the faces whose plain reconstruction shows the starting state, the % judged to be changed.
others: points by which the share of faces judged to have another attribute moves, against the same faces' plain
    reconstructions; adding and removing apart, the larger counts. Attributes that never occur together with the edited
    one in the training images are exempt: in the data, too, a change of one is a change of the other (hair colours).
beyond: the same, less what moves when the data set draws the faces anew with that attribute turned over: a hat covers
    brows, and the judge errs. The rows "drawn anew" are that true edit, the ceiling of the others.
drawn: the % of faces with the attribute, and without it, whose plain reconstruction shows so. What the decoder does
    not draw of a face that has it, its vector cannot make it draw either.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from eval.evidence import editing
from eval.evidence.editing import Effect, Faces
from eval.features.choice import for_dataset
from eval.features.network import FeatureNetwork
from eval.sources.held_out import halves
from eval.sources.runs import Run, load_split
from eval.words import markdown_table
from vaegan import data, latent
from vaegan.commandline.commands import spoken
from vaegan.data import ImageSet
from vaegan.errors import UsageError, UserError
from vaegan.machine.progress import Bar

DRAWN = "drawn anew"
CHANGED, MOVED = 80.0, 15.0  # the goal: % of faces changed at least, both ways, and points another moves at most
AMOUNTS = (1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0)  # tried on other faces when vectors are tuned


@dataclass(frozen=True)
class Row:
    """One attribute: its vector, what the decoder draws of it unedited, and what the edit changes."""

    attribute: str
    vectors: str
    amount: float
    drawn_with: float
    drawn_without: float
    added: float
    removed: float
    others_mean: float
    others_worst: float
    worst: str
    beyond: float | None = None  # points; None where the data cannot be drawn anew
    beyond_worst: str = ""

    @property
    def changes(self) -> bool:
        """Whether enough faces change, both ways."""
        return min(self.added, self.removed) >= CHANGED

    @property
    def alone(self) -> bool:
        """Whether no other attribute moves too far."""
        return self.others_worst <= MOVED

    @property
    def true(self) -> bool:
        """Whether no other attribute moves too far from where a true edit moves it."""
        return self.beyond is not None and self.beyond <= MOVED


@dataclass(frozen=True)
class Trial:
    """How edits are tried: on so many faces, chosen by the seed, with these kinds of vectors times an amount, or with
    those that do best on other faces."""

    faces: int
    vectors: tuple[str, ...]
    amount: float = 1.0
    tune: bool = False
    seed: int = 0
    data_dir: Path | None = None


def judge_for(run: Run) -> FeatureNetwork:
    """Return the attribute network of a run's data set. Raises UsageError when none is shipped."""
    network = for_dataset(run.config.dataset)
    if network is None or network.card.kind != "attributes":
        raise UsageError(f"no attribute network is shipped for {run.config.dataset}: measure a run on synthfaces")
    if run.model.is_conditional:
        raise UsageError(
            f"{run.directory} is told its attributes (--condition): measure it with {spoken('similarity')}"
        )
    if not run.model.has_encoder:
        raise UsageError(f"{run.directory} has no encoder: a run of mode {run.config.mode} can only sample")
    return network.to(run.device)


def examine(run: Run, asked: Trial) -> Iterator[Row]:
    """Yield a row for each attribute and kind of vectors, or for each attribute when they are tuned."""
    network = judge_for(run)
    train, test = (load_split(run, split, asked.data_dir) for split in ("train", "test"))
    if train.label_names != network.card.output_names:
        raise UserError(f"{network.card.name} does not judge the attributes of {train.name}: train it anew")
    vectors = {m: latent.attribute_vectors(run.model, train.images, train.known_labels, m) for m in asked.vectors}
    exempt = editing.never_together(train.known_labels)
    numbers = halves(test, asked.faces, asked.seed)
    other, shown = (editing.faces(run.model, network.predict, test.images[n], test.known_labels[n]) for n in numbers)
    truth = Truth(run, network, test, numbers[1])
    amounts = AMOUNTS if asked.tune else (asked.amount,)
    for attribute, name in enumerate(Bar(train.label_names, run.label)):
        tried = list(editing.tries(vectors, amounts, attribute))

        def effect_on(faces: Faces, step: Tensor, attribute: int = attribute) -> Effect:
            edit = editing.by_vector(run.model, faces, step)
            return editing.effect(network.predict, faces, attribute, edit, exempt[attribute])

        true = truth.effect(attribute, exempt[attribute])
        if true:
            yield row(name, DRAWN, 1.0, truth.faces, attribute, true, None, train.label_names)
        kept = [max(tried, key=lambda t: margin(effect_on(other, t[2])))] if asked.tune else tried  # noqa: B023
        for method, amount, step in kept:
            yield row(name, method, amount, shown, attribute, effect_on(shown, step), true, train.label_names)


class Truth:
    """The faces that are judged, as they are, and what the data set's own drawing makes of an edit."""

    def __init__(self, run: Run, network: FeatureNetwork, test: ImageSet, numbers: Tensor):
        self.run, self.network, self.numbers = run, network, numbers
        images, labels = test.images[numbers], test.known_labels[numbers]
        self.faces = Faces(torch.empty(0), labels, network.predict(images))

    def effect(self, attribute: int, exempt: set[int]) -> Effect | None:
        """The true edit's effect; None for data that cannot be drawn anew."""
        config = self.run.config
        if data.drawn(config.dataset, "test", self.numbers[:1], config.image_size) is None:
            return None
        edit = editing.by_drawing(config.dataset, self.numbers, self.faces.labels, config.image_size, attribute, exempt)
        return editing.effect(self.network.predict, self.faces, attribute, edit, exempt)


def margin(effect: Effect) -> float:
    """Return how far an edit is inside the goal, in points, the others counted on average; negative outside.

    Tuned by the one that moves most, amounts are too small to change most attributes.
    """
    reached = min(effect.changed - CHANGED, MOVED - effect.mean)
    return -math.inf if math.isnan(reached) else reached


def row(
    name: str,
    method: str,
    amount: float,
    shown: Faces,
    attribute: int,
    effect: Effect,
    true: Effect | None,
    names: Sequence[str],
) -> Row:
    """Name what was measured."""
    worst = max(effect.moved, key=effect.moved.__getitem__, default=attribute)
    having, lacking = (shown.drawn(attribute, value) for value in (1, 0))
    filled = Row(
        name, method, amount, having, lacking, effect.added, effect.removed, effect.mean, effect.worst, names[worst]
    )
    if true is None:
        return filled
    beyond = effect.beyond(true)
    most = max(beyond, key=beyond.__getitem__, default=attribute)
    return replace(filled, beyond=beyond.get(most, 0.0), beyond_worst=names[most])


def table(run: Run, rows: Sequence[Row], asked: Trial) -> str:
    """The rows in Markdown, and how many reach the goal."""
    head = [
        "attribute",
        "vectors",
        "amount",
        "drawn with, %",
        "without",
        "added, %",
        "removed, %",
        "others, mean points",
        "worst",
        "",
        "beyond",
        "",
        "goal",
    ]
    lines = []
    for r in rows:
        shares = (r.drawn_with, r.drawn_without, r.added, r.removed, r.others_mean, r.others_worst)
        beyond = ["-", ""] if r.beyond is None else [f"{r.beyond:.0f}", r.beyond_worst]
        reached = [word for word, is_so in (("changes", r.changes), ("alone", r.alone), ("true", r.true)) if is_so]
        numbers = [f"{r.amount:g}", *(f"{share:.0f}" for share in shares)]
        lines.append([r.attribute, r.vectors, *numbers, r.worst, *beyond, ", ".join(reached) or "-"])
    text = markdown_table(head, lines, right=(*range(2, 9), 10))
    return "\n".join([f"\n{run.title}, {run.directory} at step {run.model.step:,}\n", text, *summary(rows, asked.tune)])


def summary(rows: Sequence[Row], tuned: bool = False) -> list[str]:
    """How many attributes reach the goal with each kind of vectors; tuned ones, which are of any kind, together."""
    groups: dict[str, list[Row]] = {}
    for r in rows:
        groups.setdefault("tuned" if tuned and r.vectors != DRAWN else r.vectors, []).append(r)
    said = []
    for method, group in groups.items():
        change = [r for r in group if r.changes]
        averaged, alone, true = (
            sum(test(r) for r in change)
            for test in (lambda r: r.others_mean <= MOVED, lambda r: r.alone, lambda r: r.true)
        )
        beyond = "" if method == DRAWN else f", {true} every single one beyond what the edit drawn anew moves it"
        said.append(
            f"{method}: of {len(group)} attributes {len(change)} change in {CHANGED:g} % of faces or more both ways; "
            f"of these {averaged} move the others by {MOVED:g} points or less on average, {alone} every single one"
            + beyond
        )
    return said
