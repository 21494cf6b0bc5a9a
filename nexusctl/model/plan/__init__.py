"""A plan: its changes, its steps, and the events of carrying it out."""
