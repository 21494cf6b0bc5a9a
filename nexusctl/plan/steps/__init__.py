"""From decisions to ordered steps. Pure."""
