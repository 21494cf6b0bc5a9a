"""What runs in the reaper's container: it ends what has lived its time, in all stacks of its engine."""
