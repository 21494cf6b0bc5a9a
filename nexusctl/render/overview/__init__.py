"""For a person and as JSON: what is on an engine, and what it uses."""
