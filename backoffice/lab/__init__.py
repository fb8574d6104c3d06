"""The failure lab: nights that are broken on purpose, restarted, and compared with an undisturbed one [S2-31]."""
