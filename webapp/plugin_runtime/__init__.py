"""Plugins: found, read, loaded, switched on per brand, called, isolated."""
