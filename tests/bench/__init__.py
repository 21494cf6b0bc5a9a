"""The measurements of `make bench`, small."""
