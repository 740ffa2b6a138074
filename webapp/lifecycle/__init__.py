"""Lifecycle: the engine that keeps every stage right, day by day."""
