"""Tasks: what a guide, a store or the shop is asked to do for a member or a group, and what came of it."""
