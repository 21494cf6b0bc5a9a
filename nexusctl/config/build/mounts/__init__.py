"""Volumes and folders of a sandbox, and which folders of this machine it may have."""
