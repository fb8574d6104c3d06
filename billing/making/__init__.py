"""How claims are made of services: read what is not claimed yet, build the claims, keep them once, judge them."""
