"""Outbox: what was promised to whom, and what the world said."""
