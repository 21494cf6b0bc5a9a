"""The command line: click, a file per verb, one error boundary."""
