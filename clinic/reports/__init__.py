"""Reports of a region and a period, as CSV and PDF; it knows nothing of what they tell of (registry.py)."""
