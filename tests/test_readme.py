"""README in two languages: the same commands, numbers, pictures and links; short enough to be read."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("README.md", "README.zh.md")
BLOCK = re.compile(r"^```\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def commands(page: str) -> list[str]:
    """Every line of every block of code, without its comment."""
    return [line.split(" #")[0].rstrip() for block in BLOCK.findall(page) for line in block.splitlines()]


def numbers(page: str) -> list[str]:
    """Numbers of tables, outside code and links, in their order."""
    rows = [re.sub(r"`[^`]*`|\]\([^)]*\)", "", line) for line in page.splitlines() if line.startswith("|")]
    return [number for row in rows for number in re.findall(r"-?\d+(?:[.,]\d+)*", row)]


def links(page: str) -> set[str]:
    return set(re.findall(r"\]\(([^)\s]+)\)", page)) - set(PAGES)


@pytest.mark.parametrize("found", [commands, numbers, links])
def test_both_languages_say_the_same(found):
    ours, theirs = (found(text(name)) for name in PAGES)
    assert len(ours) > 10 and ours == theirs


@pytest.mark.parametrize("name", PAGES)
def test_a_stranger_reads_it_to_the_end(name):
    lines = text(name).splitlines()
    assert len(lines) <= 120 and max(map(len, lines)) <= 120


@pytest.mark.parametrize("name", PAGES)
def test_what_it_points_to_is_there(name):
    local = {link.split("#")[0] for link in links(text(name)) if "://" not in link}
    assert [link for link in local if not (ROOT / link).exists()] == []
