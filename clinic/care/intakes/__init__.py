"""Questionnaires that patients have filled in: kept as they came, then their answers one row each, once."""
