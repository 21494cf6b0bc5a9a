"""Templates: where they are found, what they extend, what a sandbox gives them."""
