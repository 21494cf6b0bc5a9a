"""The engine as a process of this machine: found, started, checked."""
