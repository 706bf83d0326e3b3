"""The charts of a report, each a function of report.json."""
