"""A member's own page: what they agreed to, their data, their language."""
