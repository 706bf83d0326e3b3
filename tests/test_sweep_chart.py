"""The chart of a sweep: lines join what differs in one number alone, and what was not swept has none."""

from dataclasses import replace

import example_report
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from eval.report import rate as rates
from eval.report import rows, schema
from eval.report.charts import drawing, figures, rate, sweep
from eval.report.schema import Report
from vaegan.config import Config
from vaegan.config_json import to_dict

VALUES = (0.5, 2.0, 4.0)


def swept(values=VALUES, setting: str = "beta", modes=("vae", "vaegan")) -> Report:
    """A report of two seeds of each value in each mode, whose blur is the value."""
    runs, configs, pooled = [], {}, []
    for mode in modes:
        for value in values:
            for seed in (0, 1):
                label = f"{mode}-{value}-{seed}"
                run = replace(example_report.run(mode, mode, seed, label), kind=f"{mode}, {setting} {value}")
                runs.append(run)
                configs[label] = to_dict(Config(mode=mode, seed=seed, **{setting: value}))
            reading = example_report.reading(float(value), 0.1) if setting == "beta" else example_report.reading(1, 0.1)
            pooled += [
                rows.Pooled(**reading, what=what, mode=mode, title=run.kind, seeds=2)
                for what in ("reconstructions", "samples")
            ]
    bounds = [{"run": run.label, "bounds": {"1": {"value": -1000.0}}} for run in runs]
    differences = [schema.Setting(name, {}) for name in ("mode", "seed", setting)]
    report, _ = example_report.example()
    return replace(report, runs=runs, configs=configs, pooled=pooled, differences=differences,
                   diagnostics={"rows": bounds})  # fmt: skip


def test_each_mode_has_a_line_through_its_values():
    report = swept()
    assert sweep.swept(report) == ["beta"]
    lines = sweep.lines(sweep.points(report), "beta")
    assert [[point.settings["beta"] for point in line] for line in lines] == [list(VALUES)] * 2
    assert all(point.values["Prior samples, px"].value == point.settings["beta"] for line in lines for point in line)
    assert {title for line in lines for point in line for title in point.values} >= {"ELBO, nats", "Prior samples, px"}


def test_the_chart_is_among_the_figures_and_draws_at_both_widths():
    chart = next(chart for chart in figures.charts(swept()) if chart.name == "sweep")
    png, wide, narrow = drawing.render(chart)
    assert png.startswith(b"\x89PNG") and "beta" in chart.title
    for svg in (wide, narrow):
        assert svg.count("ELBO, nats") == 1 and ">0.5</text>" in svg and ">4</text>" in svg


def test_what_is_not_a_number_or_not_swept_has_no_chart():
    assert sweep.sweep(example_report.example()[0], "") is None
    assert sweep.sweep(swept(("batch", "group"), "norm"), "") is None
    assert sweep.sweep(swept((2.0,)), "") is None  # modes differ, nothing within one


def test_a_grid_of_two_settings_is_joined_by_what_else_agrees():
    report = swept()
    other = {
        label: config | {"latent_dim": 8 if label.endswith("0") else 16} for label, config in report.configs.items()
    }
    runs = [replace(run, kind=f"{run.kind}, latent {other[run.label]['latent_dim']}") for run in report.runs]
    report = replace(report, runs=runs, configs=other,
                     differences=[*report.differences, schema.Setting("latent_dim", {})])  # fmt: skip
    assert sweep.swept(report) == ["beta", "latent_dim"]
    found = sweep.points(report)
    assert [len(line) for line in sweep.lines(found, "beta")] == [3] * 4
    assert [len(line) for line in sweep.lines(found, "latent_dim")] == [2] * 6


def at_rate(report: Report) -> Report:
    """The report with every run at a rate of ten nats over its beta, and half a nat more of the second seed."""
    runs = [
        rates.AtRate(
            run.label, run.title, 10 / report.configs[run.label]["beta"] + 0.5 * run.seed,
            *[rows.Reading(**example_report.reading(report.configs[run.label]["beta"] + 0.1 * run.seed))] * 2, {},
        )
        for run in report.runs
    ]  # fmt: skip
    line = [rates.LinearPoint(64, nats, 1.0, 1.0, 1.0, {}) for nats in (2.5, 20.0)]
    return replace(report, rate=rates.Rate(runs, line, [], 5000, 1000))


def test_blur_against_nats_joins_a_modes_settings_at_the_mean_of_their_seeds():
    report, figure = at_rate(swept()), Figure()
    rate.rate_blur(report, "").draw(figure, False)
    reconstructions = figure.axes[0]
    joined = [line for line in reconstructions.lines if line.get_linestyle() == "-" and len(line.get_xdata()) == 3]
    assert len({to_hex(line.get_color()) for line in joined}) == len(joined) == 2  # a mode each
    for line in joined:
        assert list(line.get_xdata()) == [10 / beta + 0.25 for beta in VALUES]
        assert list(line.get_ydata()) == [beta + 0.05 for beta in VALUES]
    assert [text.get_text() for text in figure.legends[0].texts] == ["VAE", "VAE/GAN", "linear VAEs"]


def test_a_reading_beyond_the_range_leaves_the_line_of_its_setting_to_the_other_seed():
    report = at_rate(swept((0.5, 2.0)))
    lost = replace(report.rate.runs[0], reconstructions=rows.Reading(None, None, None, "beyond", "above"))
    report = replace(report, rate=replace(report.rate, runs=[lost, *report.rate.runs[1:]]))
    line = sweep.lines(sweep.points(report), "beta")[0]
    assert rate.joined(report.rate, line, "reconstructions") == ([20.5, 5.25], [0.6, 2.05])


def test_a_mode_without_a_code_is_not_in_the_legend_of_blur_against_nats():
    report, figure = at_rate(swept((2.0,))), Figure()
    coded = [run for run in report.rate.runs if run.run.startswith("vaegan")]
    rate.rate_blur(replace(report, rate=replace(report.rate, runs=coded)), "").draw(figure, False)
    assert [text.get_text() for text in figure.legends[0].texts] == ["vaegan, beta 2.0", "linear VAEs"]
