"""One call to see whether an endpoint is there and takes a token."""

import httpx2


class Unreachable(Exception):
    """Nobody answered; the message is the kind of fault."""


def probe(url: str, *, token: str, timeout: float) -> int:
    """The status of one GET. A redirect is not followed: the token is meant for this address."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with (
            httpx2.Client(timeout=timeout, follow_redirects=False, trust_env=False) as client,
            client.stream("GET", url, headers=headers) as answer,
        ):
            return int(answer.status_code)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise Unreachable(type(error).__name__) from None
