"""The loop around Algorithm 1: batches, steps, logging, the signs of a failed run, the start and the end."""
