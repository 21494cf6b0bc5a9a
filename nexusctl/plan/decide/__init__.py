"""What happens with each sandbox, network and volume. Pure."""
