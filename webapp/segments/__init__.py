"""Segments: a rule over members, compiled to SQL."""
