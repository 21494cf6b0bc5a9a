"""Attacks that were played on nexusctl, each on the real engine; `make probes` runs them alone."""
