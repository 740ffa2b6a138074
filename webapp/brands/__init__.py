"""Brands: the tenant, its stores, its currency and its days."""
