"""The outbox: what was promised to whom, what is on its way, what became of it."""
