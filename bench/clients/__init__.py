"""Synthetic clients: what would load a node, with as little work of their own as can be."""
