"""Regulars: members, coupons and campaigns for shops that live from people who come back."""
