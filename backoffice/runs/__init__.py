"""The run kernel: one way to start, work, stop, restart and watch every job."""
