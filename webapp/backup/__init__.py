"""A shop in one file: made while it runs, verified, brought back into an empty place, and made again each day."""
