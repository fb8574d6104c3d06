"""What every endpoint does alike: one shape of error, strict input, keyset pages, the schema and its page."""
