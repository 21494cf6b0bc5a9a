"""nexusctl: plan and apply sandboxes declared in a stack file, without a state file."""

__version__ = "0.1.0"
