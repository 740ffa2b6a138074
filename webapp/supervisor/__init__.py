"""One process that imports the shop once, forks its parts, and keeps them running."""
