"""`nexusctl engine` and `nexusctl doctor`."""
