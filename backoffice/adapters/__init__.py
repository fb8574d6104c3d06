"""One module per outside system: plain arguments in, plain data out. Nothing here knows models, settings or jobs."""
