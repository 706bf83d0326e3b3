"""python -m eval.feature_cards: the cards of the shipped feature networks as a Markdown table."""

from collections.abc import Sequence
from dataclasses import dataclass

from vaegan.commandline.arguments import parse
from vaegan.errors import exits_cleanly

PROG = "python -m eval.feature_cards"


@dataclass(frozen=True)
class Arguments:
    """Print a row for every shipped feature network: what it tells apart, how well, how it was trained."""


@exits_cleanly
def main(args: Sequence[str] | None = None) -> None:
    """Print the table."""
    parse(Arguments, args, prog=PROG)
    from eval.features import cards

    print(cards.table())


if __name__ == "__main__":
    main()
