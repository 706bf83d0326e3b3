"""report.json is written and read through types: nothing is lost, nothing unknown comes in."""

import json
import math
from dataclasses import asdict

import pytest
from example_study import study

from eval.evidence.findings import entry
from eval.report import rows, schema, stored
from eval.report.schema import Report
from eval.uncertainty.estimates import Interval
from vaegan.errors import UserError


def test_what_is_read_and_written_again_is_the_same_file(tmp_path):
    report, _ = study()
    stored.write(report, tmp_path)
    first = (tmp_path / "report.json").read_text()
    found = stored.read(tmp_path)
    assert found == report and stored.encoded(found) == first
    assert found.distances.rows[2].source in {source.id for source in found.sources}


@pytest.mark.parametrize(
    ("value", "where"), [(-math.inf, "below"), (0.3, "inside"), (math.inf, "above"), (math.nan, None)]
)
def test_a_reading_says_where_it_lies_when_its_number_cannot_be_written(value, where):
    found = stored.of_value(rows.Reading, entry(Interval(value, value, value), lambda px: "words"))
    assert found.where == where
    kept = json.loads(json.dumps(stored.finite(asdict(found)), allow_nan=False))
    assert (kept["value"] is None) == (where != "inside") and kept["where"] == where


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"headline": 3}, "headline"), ({"surprise": 1}, "unknown .'surprise'"),
        ({"seeds": {"split": "x"}}, "seeds.split"),
        ({"price": 1}, "price"), ({"verdicts": [{"what": "samples"}]}, r"verdicts\[0\] does not fit Verdict: missing"),
    ],
)  # fmt: skip
def test_what_does_not_fit_the_types_is_refused_by_its_place(change, words):
    with pytest.raises(UserError, match=words):
        stored.of_value(Report, asdict(study()[0]) | change)


def test_reports_of_other_versions_and_other_files_are_one_line(tmp_path):
    for text, words in (
        ('{"schema_version": 2}', f"reads {schema.VERSION}"),
        ("[1]", "schema None"),
        ("{", "cannot be read"),
    ):
        (tmp_path / "report.json").write_text(text)
        with pytest.raises(UserError, match=words) as caught:
            stored.read(tmp_path)
        assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match="cannot be read"):
        stored.read(tmp_path / "nowhere")
