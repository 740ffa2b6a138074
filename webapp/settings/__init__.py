"""Settings of a shop: its first owner, its name and stores, its public address, and the list of first steps."""
