"""Anybody's images against real ones: read in pixels of blur, as a table, a page and JSON."""
