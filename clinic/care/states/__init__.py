"""Following appointments: at their time, and an hour after."""
