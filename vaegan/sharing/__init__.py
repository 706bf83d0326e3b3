"""Getting models out: networks in formats that other programs read, each with a card."""
