"""Data sets x modes x seeds: what is planned, how its jobs run, and the table over all of it."""
