"""The sandbox sheets: Google's Sheets API v4 over a socket, with its log-in and quotas, and faults on demand."""

from backoffice.sandbox.sheets.book import Book
from backoffice.sandbox.sheets.server import SheetsServer

__all__ = ["Book", "SheetsServer"]
