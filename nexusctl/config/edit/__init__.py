"""The text of a stack file in, text out: what was not asked for stays byte for byte."""
