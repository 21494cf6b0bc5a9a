"""Files that somebody edits: here, of which the sandboxes hear, and inside, from where they are brought back."""
