"""How a call to a sheet can fail. No message holds what stands in a cell."""


class SheetRefused(Exception):
    """Nothing can succeed until somebody changes the sheet, its address or its account; the message is one line."""


class SheetUnavailable(Exception):
    """One call failed, after retries where they make sense; a write may have been carried out.

    `code` is "connection", "unanswered", "http_NNN", "unreadable_answer", "too_long", "locked" (another writer),
    "open_elsewhere" (in a spreadsheet program), "changed" (between reading and writing) or "disk"; `detail` is what
    could not be done, or empty. `passing`: the same call may succeed in a moment; `retry_after` in seconds, if told.
    """

    def __init__(self, code: str, detail: str = "", *, passing: bool = False, retry_after: float | None = None) -> None:
        super().__init__(f"{code} ({detail})" if detail else code)
        self.code, self.detail, self.passing, self.retry_after = code, detail, passing, retry_after
