"""Products and categories: what an offer can name and show, as the shop's till calls them."""
