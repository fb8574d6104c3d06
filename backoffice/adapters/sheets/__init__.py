"""The operators' sheets: Google Sheets, and workbooks on this machine. One protocol for all of them (protocol.Sheet).

google is imported where it is used: a worker of another job need not load Google's client.
"""

from backoffice.adapters.sheets.faults import SheetRefused, SheetUnavailable
from backoffice.adapters.sheets.moves import Place, where_now
from backoffice.adapters.sheets.patience import Patience
from backoffice.adapters.sheets.posting import Posted, Status, post_statuses, tell
from backoffice.adapters.sheets.protocol import Sheet
from backoffice.adapters.sheets.rows import Columns, Key, Row
from backoffice.adapters.sheets.workbook import FORMATS, Workbook

__all__ = [
    "Columns",
    "Key",
    "Patience",
    "Place",
    "Posted",
    "Row",
    "Sheet",
    "SheetRefused",
    "SheetUnavailable",
    "Status",
    "Workbook",
    "is_workbook",
    "post_statuses",
    "tell",
    "where_now",
]


def is_workbook(address: str) -> bool:
    """Whether SPREADSHEET_ID is a path to a workbook; else it is the id of a spreadsheet in Google Sheets."""
    return any(address.casefold().endswith(suffix) for suffix in FORMATS)
