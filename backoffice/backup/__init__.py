"""Back-ups: every database at one moment, the files that they speak of, and, apart from both, the keys."""
