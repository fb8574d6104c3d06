"""The nightly pipeline: extract, validate, enrich, price, adjudicate, remit.

Polars moves the rows, Parquet files lie between the steps, and one plain function adjudicates a line. Polars is
imported inside functions that compute only: a process that has computed with it must not fork, and workers fork.
"""
