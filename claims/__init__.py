"""The nightly claims pipeline and the clearinghouse's files: an app without models or jobs so far."""
