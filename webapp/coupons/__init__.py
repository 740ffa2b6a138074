"""Coupons: offers, coupons, and their redemption at the counter."""
