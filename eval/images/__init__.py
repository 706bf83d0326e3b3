"""Anybody's images as streams: folders, files, data sets and runs, fetched by number."""
