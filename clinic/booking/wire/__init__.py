"""What the booking looks like over the API: ids, codes and times, and nothing of a person."""
