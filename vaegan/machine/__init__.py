"""What computes: device, memory, and one process or several."""
