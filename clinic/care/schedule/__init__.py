"""When each of cron's commands is due, when it last ran, and the alarm where it did not."""
