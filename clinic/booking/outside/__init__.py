"""What laboratories and points of sale tell (clinic/events/inbound) takes effect on appointments here."""
