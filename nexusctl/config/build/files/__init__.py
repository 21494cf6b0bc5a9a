"""Uploads, and the digests of the files on this machine."""
