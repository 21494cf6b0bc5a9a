"""A stack file from what runs."""
