"""What was done, told to a person or to a CI system at its end."""
