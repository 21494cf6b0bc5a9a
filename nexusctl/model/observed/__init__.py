"""What an engine tells: live values, locks, holds, executions."""
