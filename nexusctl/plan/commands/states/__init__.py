"""Verbs that change a state, and what was stopped on purpose."""
