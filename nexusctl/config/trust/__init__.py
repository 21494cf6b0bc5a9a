"""Whose files these are, and what a stranger's may not ask for."""
