"""The stack file that an import writes."""
