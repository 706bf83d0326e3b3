"""The cards of the shipped feature networks as a Markdown table."""

from eval.features.network import SHIPPED, FeatureNetwork, load
from eval.words import markdown_table

HEADINGS = (
    *("Data set", "Right on held-out images", "Chance", "Least right", "Architecture", "Parameters", "File"),
    *("Training", "sha256", "Remark"),
)


def table() -> str:
    """A row a shipped network, in order of name."""
    files = sorted(SHIPPED.glob("*.safetensors"))
    return markdown_table(HEADINGS, [_cells(load(file), file.stat().st_size) for file in files])


def _cells(network: FeatureNetwork, size: int) -> list[str]:
    card = network.card
    worst = min(card.accuracies, key=card.accuracies.__getitem__)
    seconds = "" if card.training_seconds is None else f", {card.training_seconds:,} s"
    return [
        f"{card.data}, {len(card.output_names)} {card.kind}",
        f"{card.accuracy:.2%}",
        f"{card.chance:.1%}",
        f"{worst.replace('_', ' ')} {card.accuracies[worst]:.1%}",
        card.architecture,
        f"{sum(p.numel() for p in network.parameters()):,}",
        f"{size / 1e6:.2f} MB",
        f"`{card.training.partition(',')[0]}`{seconds}",
        f"`{card.sha256[:8]}`",
        card.note,
    ]
