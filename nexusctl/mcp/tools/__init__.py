"""A file for each kind of tool: arguments in, an answer out; what changes something goes through the batches."""
