"""From checked nodes to the values of a stack."""
