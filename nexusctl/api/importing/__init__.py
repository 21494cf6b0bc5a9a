"""The imports: read, drafted, written."""
