"""What is sent to an engine and read from it, as data. Pure."""
