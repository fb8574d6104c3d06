"""The runbook as pages and buttons: what runs where, restarts, paused queues, jobs that failed [S4-22] to [S4-24]."""
