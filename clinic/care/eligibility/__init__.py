"""Coverage by pVerify: who is asked about, what is asked, what the answers change, and what it costs."""
