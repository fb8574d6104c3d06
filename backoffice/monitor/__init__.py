"""How the whole installation stands: figures for Prometheus, and the page of the five priorities."""
