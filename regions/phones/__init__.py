"""Phone numbers as they stand in sheets: what is meant by a cell, or why nothing can be (0050-phone-numbers.md)."""

from regions.phones.clean import Phone, clean
from regions.phones.reading import countries

__all__ = ["Phone", "clean", "countries"]
