"""Campaigns: audience x content x channel x schedule, and what came of it."""
