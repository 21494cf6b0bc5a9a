"""A stack file from a devcontainer.json."""
