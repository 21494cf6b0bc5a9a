"""A plan and a drift as text."""
