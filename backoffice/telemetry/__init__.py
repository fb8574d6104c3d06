"""What the program tells of itself: probes, counts that all processes share, and traces."""
