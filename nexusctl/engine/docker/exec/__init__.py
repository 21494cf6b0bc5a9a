"""Commands inside of containers, and what they print."""
