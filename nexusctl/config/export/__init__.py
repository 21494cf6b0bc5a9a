"""A loaded stack as a document again: standalone, and with the origin of each value."""
