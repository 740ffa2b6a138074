"""Today: what wants doing now; and More: every other page."""
