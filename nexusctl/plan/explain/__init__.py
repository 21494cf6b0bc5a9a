"""What a change means to people: differences, losses, surprises. Pure."""
