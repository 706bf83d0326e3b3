"""Pictures of runs: panels while they train, sheets and portfolios afterwards."""
