"""From a file to a `Stack`: source, validate, build; `load.py` shows the stages as one visible tuple."""
