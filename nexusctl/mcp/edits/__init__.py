"""The stack file as the door edits it: drafts, batches, what is noted, taken back, committed."""
