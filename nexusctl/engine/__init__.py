"""The world behind one port (`base.py`): Docker in `docker/`, and an engine in memory for pure tests in `memory/`."""
