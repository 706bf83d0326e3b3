"""What a comparison of runs consists of: everything measured, and what may be said from it."""
