"""Images: pulled, built from packages, and kept."""
