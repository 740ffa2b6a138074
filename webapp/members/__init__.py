"""Members: who they are, how they are reached, what they agreed to."""
