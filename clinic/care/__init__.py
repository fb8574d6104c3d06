"""The clinic's jobs: coverage, states of appointments, questionnaires, videos, removals, and when each command runs."""
