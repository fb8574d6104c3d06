"""Why bytes are not taken, each with its status of the protocol."""

from rest_framework.exceptions import APIException


class NotThisVersion(APIException):
    status_code = 412
    default_code = "tus_version"
    default_detail = "Send the header Tus-Resumable: 1.0.0."


class LengthMissing(APIException):
    status_code = 411
    default_code = "length_required"
    default_detail = "Send Content-Length with the bytes."


class Gone(APIException):
    """It was there: withdrawn, or given up since nothing came for too long."""

    status_code = 410
    default_code = "gone"
    default_detail = "This upload was withdrawn or has expired. Begin a new one."


class ChecksumMismatch(APIException):
    """Nothing of the request counts."""

    status_code = 460
    default_code = "checksum_mismatch"
    default_detail = "The bytes are not those of the checksum. Send them again from the same offset."
