"""Who is treated: contacts and language, encrypted, and the portal that acts for one patient at a time."""
