"""The summary of a study: figures as the reports have them, what is wrong marked, never a silent number."""

import json
from dataclasses import replace
from pathlib import Path

import example_report
import example_study
import pytest

from eval.report import rate, rows
from eval.report.protocol import INTERVALS
from eval.report.schema import Report
from eval.sources.runs import OBJECTIVES
from eval.studies import summary
from eval.studies.plans import Plan
from eval.studies.summary import Compared, Outcome
from vaegan.config import Config
from vaegan.config_json import to_dict

MNIST = Compared("mnist")
HEALTHY = replace(example_report.HEALTHY, diversity=0.9, nearest=0.9)


def outcome(mode: str, seed: int = 0, state: str = "trained", reason: str = "", **point) -> Outcome:
    config = Config(mode=mode, dataset="mnist", seed=seed, **point)
    plan = Plan(Path(f"runs/mnist-{mode}-s{seed}"), config, (), exists=True, step=1500, point=point)
    return Outcome(plan, state, reason, 61.24)


def pooled(mode: str, what: str, value: float) -> rows.Pooled:
    return rows.Pooled(
        **example_report.reading(value, 0.01), what=what, mode=mode, title=OBJECTIVES[mode].title, seeds=2
    )


def verdict(what: str, mode: str, outcome: str, p: float) -> rows.Verdict:
    return replace(example_report.verdict(what, mode, outcome, "", ""), p=p)


def report_of(*, count: int = 5000, **changes) -> Report:
    """A report without distances, of which a summary sees `changes`."""
    report, _ = example_report.example()
    empty = replace(report.distances, rows=[])
    return replace(report, headline="On MNIST ...", protocol=replace(report.protocol, count=count), distances=empty,
                   **changes)  # fmt: skip


def runs(**health) -> list[rows.Run]:
    ill = replace(HEALTHY, **health)
    return [
        replace(example_report.run(mode, mode, seed), step=1500, health=ill)
        for mode in ("vae", "vaegan")
        for seed in (0, 1)
    ]


REPORT = report_of(
    runs=runs(),
    pooled=[
        pooled("vae", "reconstructions", 0.56), pooled("vae", "samples", 0.75), pooled("vaegan", "samples", 0.16),
        pooled("vaegan-pixel", "samples", 0.4),
    ],
    verdicts=[
        verdict("reconstructions", "vaegan", "supported", 1e-6), verdict("samples", "vaegan", "inconclusive", 0.4),
        verdict("samples", "vaegan-pixel", "refuted", 0.02),
    ],
)  # fmt: skip


def entry(report=REPORT, *outcomes: Outcome, modes=("vae", "vaegan")) -> dict:
    outcomes = outcomes or [outcome(mode, seed) for mode in modes for seed in (0, 1)]
    return summary.dataset_entry(MNIST, modes, outcomes, report, "" if report else "no run is finished")


def test_figures_are_those_of_the_report():
    vae, vaegan = entry()["rows"]
    assert vae["reconstructions"] == {"value": 0.56, "low": 0.55, "high": 0.5700000000000001,
                                      "text": "0.56 px [0.55, 0.57]"}  # fmt: skip
    assert vae["seeds"] == [0, 1] and vae["verdicts"] == {"reconstructions": None, "samples": None}
    assert vaegan["reconstructions"] is None and vaegan["samples"]["value"] == 0.16
    assert vaegan["verdicts"] == {"reconstructions": "supported", "samples": "inconclusive"}


def test_a_title_that_begins_another_is_not_taken_for_it():
    (pixel,) = entry(modes=("vaegan-pixel",))["rows"]
    assert pixel["verdicts"] == {"reconstructions": None, "samples": "refuted"}


def test_the_table_shows_every_figure_in_aligned_columns():
    lines = summary.table([entry()]).splitlines()
    assert len({len(line) for line in lines}) == 1 and len(lines) == 4
    assert "| MNIST    | VAE     | 0 1   | 0.56 px [0.55, 0.57] | 0.75 px [0.74, 0.76] |" in lines[2]
    assert "| –                    | 0.16 px [0.15, 0.17] | supported / inconclusive |" in lines[3]


def test_what_is_not_sound_is_named_in_the_table_and_in_one_line():
    found = entry(REPORT, outcome("vae"), outcome("vaegan", 0, "failed", "NaN at step 3"), outcome("vaegan", 1, "kept"))
    assert found["rows"][1]["seeds"] == [1]
    assert "seed 0 failed: NaN at step 3" in summary.table([found])
    assert summary.problems([found]) == ["MNIST vaegan seed 0 failed: NaN at step 3"]
    assert not summary.value([found], "study")["ok"] and summary.value([entry()], "study")["ok"]


def test_a_study_says_by_what_its_intervals_are_made():
    said = summary.value([entry()], "study")["protocol"]
    assert INTERVALS in said and "Student's t" in said and "one for either side" in said and "px²" in said
    assert "bootstrap intervals" not in said and "seeds, then images" not in said


def test_a_data_set_without_a_report_has_no_figures():
    found = entry(None, outcome("vae", 0, "failed", "disk"))
    assert found["rows"][0]["reconstructions"] is None and found["rows"][0]["remarks"][-1] == "not measured"
    assert summary.problems([found])[0] == "MNIST not compared: no run is finished"
    assert "no images" in summary.value([found], "study")["protocol"]


@pytest.mark.parametrize(
    ("change", "words"),
    [({"losses_finite": False}, "not finite"), ({"diversity": 0.1}, "nearly constant: diversity 0.10"),
     ({"nearest": 0.0}, "repeated images"), ({"diversity": None}, "nearly constant"), ({"diversity": 0.5}, None),
     ({"diversity": summary.CONSTANT}, None)],
)  # fmt: skip
def test_collapse_is_more_than_being_unhealthy(change, words):
    report = report_of(runs=runs(**change))
    (judged,) = summary.judged([outcome("vae")], report)
    assert judged.state == ("collapsed" if words else "trained") and (words or "") in judged.reason
    assert judged.comparable and judged.sound is (words is None)
    (early,) = summary.judged([outcome("vae")], replace(report, runs=[replace(report.runs[0], step=10)]))
    assert early.sound


def test_every_data_set_has_a_table_of_distances_of_its_own():
    report = replace(example_study.study()[0], verdicts=[])
    found = summary.dataset_entry(MNIST, ("vae",), [outcome("vae")], report)
    lines = summary.markdown(summary.value([found, entry()], "study")).splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("| MNIST, mean"))
    assert "Fréchet distance (squared; 0 is best)" in lines[start] and "FID" not in lines[start]
    floor, *rest = lines[start + 3 : start + 12]
    assert floor.startswith("| Held-out images (floor)") and " to " not in floor
    assert any(line.startswith("| VAE samples ") and " to " in line for line in rest)
    assert found["distances"]["fingerprint"]["extractor"] == "vaegan-synthfaces-attributes"
    assert sum("5,000 images against 5,000" in line for line in lines) == 1 and entry()["distances"] is None


def test_files_say_what_was_found_and_how_it_is_made_again(tmp_path):
    decomposition = {"samples": replace(example_study.decomposition(2), sentence="The adversary removes more.")}
    value = summary.value([entry(replace(REPORT, decomposition=decomposition))], "python eval/study.py --dataset mnist")
    summary.write(value, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["study.json", "study.md"]
    assert json.loads((tmp_path / "study.json").read_text()) == value
    text = (tmp_path / "study.md").read_text()
    for words in ("0.56 px [0.55, 0.57]", "5,000 images a source", "**MNIST, samples.** The adversary removes more.",
                  "python eval/study.py --dataset mnist"):  # fmt: skip
        assert words in text
    assert value["datasets"][0]["runs"][0] == {
        "run": "runs/mnist-vae-s0", "title": "MNIST vae seed 0",
        "mode": "vae", "seed": 0, "steps": Config().steps, "state": "trained", "reason": "",
        "seconds": 61.2,
    }  # fmt: skip


def test_a_study_is_one_family_and_its_table_says_no_more():
    modes = ("vae", "vaegan", "vaegan-pixel")
    one = summary.value([entry(modes=modes)], "study")["datasets"]
    assert one[0]["rows"][-1]["verdicts"]["samples"] == "refuted"
    both = summary.value([entry(modes=modes)] * 2, "study")["datasets"]
    assert {e["rows"][-1]["verdicts"]["samples"] for e in both} == {"inconclusive"}  # 0.02, four times
    assert all("supported" in summary.table([e]) and "refuted" not in summary.table([e]) for e in both)


def test_verdicts_at_equal_rate_stand_in_the_study_and_in_its_family():
    found = verdict("samples", "vaegan", "supported", 0.02)
    beside = rate.Rate([], [], [replace(found, title="Samples: linear VAE of 70 nats against VAE/GAN")], 5000, 1000)
    plain = replace(REPORT, verdicts=[verdict("samples", "vaegan", "supported", 1e-6)])
    text = summary.markdown(summary.value([entry(replace(plain, rate=beside))], "study"))
    assert "| Samples: linear VAE of 70 nats against VAE/GAN |" in text and "`rate_blur.png`" in text
    assert text.count("supported") == 2
    both = summary.value([entry(replace(REPORT, rate=beside), modes=("vae", "vaegan-pixel"))], "study")["datasets"][0]
    assert both["at_equal_rate"][0]["p_holm"] == pytest.approx(0.06)  # 0.02 of the report's own, and this: three times
    assert both["at_equal_rate"][0]["verdict"] == both["rows"][1]["verdicts"]["samples"] == "inconclusive"
    assert "equal rate" not in summary.markdown(summary.value([entry()], "study"))


def test_a_withheld_verdict_stands_in_the_table_with_its_reason():
    found = [replace(row, verdict="withheld", withheld=["VAE s0: not converged"]) for row in REPORT.verdicts]
    table = summary.table(summary.value([entry(replace(REPORT, verdicts=found))], "study")["datasets"])
    assert "withheld: VAE s0: not converged" in table and "supported" not in table


def test_runs_of_a_grid_have_a_row_for_each_point_with_its_own_figures():
    points = [outcome("vae", seed, beta=beta) for beta in (0.5, 4.0) for seed in (0, 1)]
    kinds = {0.5: "VAE, beta 0.5", 4.0: "VAE, beta 4.0"}
    config = {f"vae-{i}": to_dict(o.plan.config) for i, o in enumerate(points)}
    found = [
        replace(example_report.run("vae", "vae", o.plan.config.seed, f"vae-{i}"), kind=kinds[o.plan.config.beta],
                step=1500, health=replace(HEALTHY, nearest=0.0 if i == 3 else 0.9))
        for i, o in enumerate(points)
    ]  # fmt: skip
    figures = [replace(pooled("vae", "samples", beta), title=title) for beta, title in kinds.items()]
    report = report_of(runs=found, pooled=figures, verdicts=[], configs=config)
    rows = entry(report, *summary.judged(points, report), modes=("vae",))["rows"]
    assert [(row["title"], row["settings"], row["samples"]["value"]) for row in rows] == [
        ("VAE, beta 0.5", {"beta": 0.5}, 0.5), ("VAE, beta 4.0", {"beta": 4.0}, 4.0),
    ]  # fmt: skip
    assert rows[0]["remarks"] == [] and rows[1]["remarks"][0].startswith("seed 1 collapsed: repeated images")
    assert [row["title"] for row in entry(None, *points, modes=("vae",))["rows"]] == ["VAE, beta 0.5", "VAE, beta 4"]


def test_sizes_that_are_swept_have_a_report_each():
    small, large = Compared("mnist", 32), Compared("mnist", 64)
    plan = outcome("vae", image_size=64).plan
    assert large.concerns(plan) and not small.concerns(plan) and MNIST.concerns(plan)
    assert (large.title, large.folder, MNIST.folder) == ("MNIST at 64 px", "report-mnist-64px", "report-mnist")
