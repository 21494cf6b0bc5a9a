"""What is really there, as live values."""
