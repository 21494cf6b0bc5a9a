"""A file as nodes with places, and what is said about them."""
