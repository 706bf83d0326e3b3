"""Estimates with intervals, and the rule that turns them into verdicts."""
