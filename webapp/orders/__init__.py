"""Orders: what members bought, on which local day."""
