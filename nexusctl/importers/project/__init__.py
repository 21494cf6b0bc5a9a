"""A stack file for a project without one."""
