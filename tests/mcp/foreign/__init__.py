"""Clients that others have made: fetched into a cache folder, and played against the door as they come."""
