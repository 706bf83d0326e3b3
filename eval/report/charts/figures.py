"""Every chart of report.json, in the order of the page."""

from eval.report import page
from eval.report.charts import curves, detail, forest, learning, ncurve, rate, sweep
from eval.report.charts.drawing import Chart
from eval.report.schema import Report


def charts(report: Report) -> list[Chart]:
    """Every chart that the report has data for."""
    measure, source = page.primary(report), origin(report)
    drawn = [
        forest.forest(report, measure, source),
        sweep.sweep(report, source),
        forest.controls(report, measure, source),
        rate.rate_blur(report, source),
        detail.coherence(report, source),
        curves.calibration(report, source),
        curves.spectrum(report, source),
        ncurve.ncurve(report, source),
        learning.learning(report),
        curves.training(report),
    ]
    return [chart for chart in drawn if chart]


def origin(report: Report) -> str:
    """Where a chart's numbers come from."""
    data, size = report.dataset.title, report.dataset.image_size
    return f"Source: {data} at {size}×{size}, {report.protocol.count:,} images a run; report.json."
