"""`python -m nexusctl`."""

from nexusctl.cli.main import main

main()
