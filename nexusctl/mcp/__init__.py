"""The agents' door: tools of the Model Context Protocol, each change an edit of a stack file and then an apply."""
