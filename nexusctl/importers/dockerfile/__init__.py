"""A Dockerfile: its instructions, its stages, and what they come to in the words of a stack file."""
