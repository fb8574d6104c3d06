"""What other systems send: signed CloudEvents, and HL7 v2 over MLLP. Kept as it came, encrypted, and made an event."""
