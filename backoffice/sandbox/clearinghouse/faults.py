"""What the clearinghouse does wrong on purpose; rates and counts as in the sandbox hospital.

Of the connection: refused_login (the right password is refused), slow_login. Of an upload, after `after_bytes` of it:
drop_upload (hang up), stall_upload (silence for slow_seconds), full_disk (nothing more is kept), lost_writes (the same,
and nothing is said). drop_rename, and drop_after_rename, which does it first; rename_refused; picked_up (taken away as
it is closed, .part or not). drop_listing; drop_download, after `after_bytes`. Of the answers to one file: hold (until
they are released), twice, out_of_order.
"""

from typing import Final

from backoffice.sandbox.faults import Faults

UPLOADS: Final = ("drop_upload", "stall_upload", "full_disk", "lost_writes")
KINDS: Final = (
    "refused_login", "slow_login", *UPLOADS, "drop_rename", "drop_after_rename", "rename_refused", "picked_up",
    "drop_listing", "drop_download", "hold", "twice", "out_of_order",
)  # fmt: skip


def clearinghouse_faults(*, seed: int = 0, slow_seconds: float = 60.0) -> Faults:
    """None yet."""
    return Faults(KINDS, seed=seed, slow_seconds=slow_seconds)
