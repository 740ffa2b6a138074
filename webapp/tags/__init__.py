"""What staff put on a member by hand: tags in groups, and notes."""
