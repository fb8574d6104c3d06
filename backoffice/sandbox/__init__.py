"""Protocol-true peers on one machine: they enforce the limits, tokens and refusals of the public schemas.

Nothing here imports the product, and only this package's command, the demo and tests import it.
"""
