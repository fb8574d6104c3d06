"""The image's health check: status 0 when /readyz of this container's web server answers 200. It needs Python alone."""

import os
import sys
from http.client import HTTPConnection, HTTPException

# As the proxy in front asks, or the answer would be a redirect to HTTPS.
HEADERS = {"Host": "localhost", "X-Forwarded-Proto": "https"}


def main() -> int:
    connection = HTTPConnection("127.0.0.1", int(os.environ.get("PORT", "8000")), timeout=4)
    try:
        connection.request("GET", "/readyz", headers=HEADERS)
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        sys.stderr.write(f"/readyz does not answer: {type(error).__name__}\n")
        return 1
    finally:
        connection.close()
    if status != 200:
        sys.stderr.write(f"/readyz answers {status}\n")
    return int(status != 200)


if __name__ == "__main__":
    sys.exit(main())
