"""The sandbox clearinghouse: SFTP in Office Ally's manner, and every file of claims is answered."""

from backoffice.sandbox.clearinghouse.server import Account, ClearinghouseServer

__all__ = ["Account", "ClearinghouseServer"]
