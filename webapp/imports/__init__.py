"""Imports: files of members and orders, all or nothing, resumable."""
