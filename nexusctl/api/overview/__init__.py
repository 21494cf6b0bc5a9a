"""What is on an engine, and what it uses."""
