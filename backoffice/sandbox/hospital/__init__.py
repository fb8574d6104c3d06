"""The sandbox hospital: hospital.graphql over a socket, from a folder of CSV files, with faults on demand."""

from backoffice.sandbox.hospital.faults import hospital_faults
from backoffice.sandbox.hospital.folder import FolderError, write_folder
from backoffice.sandbox.hospital.journal import JournalError, in_use
from backoffice.sandbox.hospital.records import BilledService, ServiceSession
from backoffice.sandbox.hospital.server import Hospital

__all__ = [
    "BilledService", "FolderError", "Hospital", "JournalError", "ServiceSession", "hospital_faults", "in_use",
    "write_folder",
]  # fmt: skip
