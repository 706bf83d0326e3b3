"""What a run keeps on disk, how it is written whole, owned by one job, and read without running anything in it."""
