"""What the clearinghouse and the payers say, file by file and set by set, to the claims that they say it of."""
