"""The clearinghouse's files: found in its mailbox, fetched, and stored. What they say is read in billing.reading."""
