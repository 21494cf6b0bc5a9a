"""Other people's files and running containers -> a draft of a stack file, and a word on all that has no place in it."""
