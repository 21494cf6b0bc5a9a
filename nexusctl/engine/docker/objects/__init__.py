"""Containers, networks, volumes and marks: made, changed and removed."""
