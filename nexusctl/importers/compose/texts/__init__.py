"""Texts of a Compose file as its own tool reads them: variables, commands, scalars of YAML 1.1."""
