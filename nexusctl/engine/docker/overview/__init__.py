"""What an engine tells of all that is on it, and of what that uses."""
