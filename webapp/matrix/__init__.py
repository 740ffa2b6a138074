"""Offer matrices: which offer for whom. An ordered table of rules and offers; the first row that fits counts."""
