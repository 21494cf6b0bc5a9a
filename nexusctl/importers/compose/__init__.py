"""A Compose file as a draft of a stack file, by the Compose specification (https://github.com/compose-spec/compose-spec)."""
