"""npm, pip and apt behind one Protocol: which commands install, and which ask what is there."""
