"""The booking's endpoints under /api/v1: for staff's systems, and for a portal in the name of one patient."""
