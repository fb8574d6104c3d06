"""X12 and the clearinghouse's reports: bytes in, dataclasses out; nothing of Django, nothing of the product."""
