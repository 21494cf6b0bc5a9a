"""Networks, their addresses, and ports."""
