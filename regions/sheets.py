"""A region's sheet, opened as its configuration says: a workbook by its path, else a spreadsheet of Google's."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

from django.conf import settings

from backoffice.adapters.sheets import Patience, Sheet, SheetRefused, Workbook, is_workbook
from backoffice.adapters.sheets.patience import PATIENCE
from backoffice.keyring import SecretUnreadable
from regions.models import Region

QUOTA = 60.0  # reads, and as many writes, a minute for each account
ONCE = Patience(attempts=1, quota_attempts=1, seconds=10)


@contextmanager
def open_sheet(
    values: Mapping[str, str], credential_file: str, *, queue_url: str = "", patience: Patience = PATIENCE
) -> Iterator[Sheet]:
    """The sheet that SPREADSHEET_ID and WORKSHEET_ID name; paths begin at NIGHTWARD_HOME where they are relative.

    Google's quota is shared in Redis with all who use the account; without `queue_url` it is not kept. Raises
    SheetRefused.
    """
    address, worksheet = values["SPREADSHEET_ID"], values.get("WORKSHEET_ID", "")
    with ExitStack() as opened:
        if is_workbook(address):
            yield opened.enter_context(closing(Workbook(Path(settings.NIGHTWARD_HOME, address), worksheet)))
            return
        from backoffice.adapters.sheets.google import GoogleSheet, Quota
        from backoffice.adapters.sheets.google_wire import account_of

        if not credential_file:
            raise SheetRefused(
                "SPREADSHEET_ID is a spreadsheet of Google's, and the region lacks credential_file, the service "
                "account's key: add it to the region file and load it."
            )
        account = account_of(Path(settings.NIGHTWARD_HOME, credential_file))
        per_minute = QUOTA if queue_url else None
        quota = opened.enter_context(closing(Quota(queue_url, account.service_account_email, per_minute)))
        google = GoogleSheet(account, address, worksheet, quota=quota, patience=patience, base_url=settings.SHEETS_URL)
        yield opened.enter_context(closing(google))


def others_of(name: str, values: Mapping[str, str]) -> list[str]:
    """The other regions that name the sheet of these values as theirs: its patients are not this region's [S1-02].

    A region whose values do not open syncs nothing, and is left out.
    """
    mine, found = _place(values), []
    for other in Region.objects.exclude(name=name).order_by("name"):
        with suppress(SecretUnreadable):
            theirs = _place(other.env_vars)
            if theirs[0] == mine[0] != "" and (theirs[1] == mine[1] or "" in (theirs[1], mine[1])):
                found.append(other.name)
    return found


def _place(values: Mapping[str, str]) -> tuple[str, str]:
    """(the spreadsheet, the worksheet in it; empty: the first one, whichever that is)."""
    address = values.get("SPREADSHEET_ID", "")
    if not is_workbook(address):
        return address, values.get("WORKSHEET_ID", "")
    path = Path(settings.NIGHTWARD_HOME, address).resolve()
    return str(path), "" if path.suffix.casefold() == ".csv" else values.get("WORKSHEET_ID", "")
