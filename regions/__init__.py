"""Tenants: configuration, credentials, connections, who may see what, and the API's tokens."""
