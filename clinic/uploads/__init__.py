"""Videos of patients, sent in pieces by the tus protocol 1.0.0, and judged by what is in them."""
