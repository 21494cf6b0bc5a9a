"""From a file to a `Stack`: read, validate, interpolate, build; `load.py` shows the stages as one visible tuple."""
