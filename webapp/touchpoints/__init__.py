"""Touchpoints (渠道活码): codes that bring people in, where they hang, who brought, who is assigned, what it came to."""
