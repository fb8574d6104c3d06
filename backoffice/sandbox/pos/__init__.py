"""The sandbox point of sale: tells of orders that were placed, paid and refunded, by signed CloudEvents."""
