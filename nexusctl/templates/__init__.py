"""The built-in templates, as data, and how they are read."""
