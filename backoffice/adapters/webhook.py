"""A webhook: one JSON document posted to one address."""

import httpx2

from backoffice.adapters.reach import may_reach


class WebhookFailed(Exception):
    """The address did not take the document; the message is the status or the kind of fault."""


def post_json(url: str, document: dict[str, str], *, timeout: float = 10.0) -> None:
    """POST `document`; anything but a 2xx raises WebhookFailed."""
    try:
        if not may_reach(httpx2.URL(url).host):
            raise WebhookFailed("ConnectError")
        answer = httpx2.post(url, json=document, timeout=timeout)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise WebhookFailed(type(error).__name__) from None
    if not answer.is_success:
        raise WebhookFailed(f"http_{answer.status_code}")
