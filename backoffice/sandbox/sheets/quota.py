"""Google's quotas: so many reads and so many writes in a minute, for each account."""

import threading
import time
from collections import defaultdict, deque
from typing import Any, Final, Literal

Kind = Literal["Read", "Write"]
UNLIMITED: Final = 0


class Quota:
    """At most `limit` calls of a kind and account within any `seconds`; 0: no limit. May be changed while it serves."""

    def __init__(self, limit: int = 60, seconds: float = 60.0) -> None:
        self.limit, self.seconds = limit, seconds
        self.refused = 0
        self._calls: defaultdict[tuple[str, str], deque[float]] = defaultdict(deque)
        self._lock = threading.Lock()

    def takes(self, kind: Kind, account: str) -> bool:
        """Whether this call is within the quota. One that is not counts for nothing."""
        with self._lock:
            calls, now = self._calls[kind, account], time.monotonic()
            while calls and calls[0] <= now - self.seconds:
                calls.popleft()
            if self.limit != UNLIMITED and len(calls) >= self.limit:
                self.refused += 1
                return False
            calls.append(now)
            return True

    def problem(self, kind: Kind) -> dict[str, Any]:
        """The body that Google answers with status 429."""
        name = f"{kind}RequestsPerMinutePerUser"
        return {
            "error": {
                "code": 429,
                "message": f"Quota exceeded for quota metric '{kind} requests' and limit '{kind} requests per minute "
                "per user' of service 'sheets.googleapis.com' for consumer 'project_number:1234567890'.",
                "status": "RESOURCE_EXHAUSTED",
                "details": [
                    {
                        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                        "reason": "RATE_LIMIT_EXCEEDED",
                        "domain": "googleapis.com",
                        "metadata": {
                            "service": "sheets.googleapis.com",
                            "consumer": "projects/1234567890",
                            "quota_limit": name,
                            "quota_limit_value": str(self.limit),
                            "quota_metric": f"sheets.googleapis.com/{kind.lower()}_requests",
                            "quota_location": "global",
                        },
                    },
                    {
                        "@type": "type.googleapis.com/google.rpc.Help",
                        "links": [
                            {
                                "description": "Request a higher quota limit.",
                                "url": "https://cloud.google.com/docs/quotas/help/request_increase",
                            }
                        ],
                    },
                ],
            }
        }
