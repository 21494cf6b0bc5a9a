"""Limits of memory that a container cannot have: what runs needs more, or the engine takes no less."""
