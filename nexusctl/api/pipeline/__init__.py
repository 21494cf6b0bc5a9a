"""A stack for the time of one command: whose it is, what the command is told, what is brought out before it goes."""
