"""Looks of those who look again and again: what a list does not tell is asked once."""
