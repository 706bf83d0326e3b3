"""Anything that yields images to be measured."""
