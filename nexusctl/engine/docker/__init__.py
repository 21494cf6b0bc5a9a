"""Docker Engine behind the port of `engine/base.py`."""
