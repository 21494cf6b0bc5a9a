"""How long sandboxes live: what ends those whose time is over, and what gives them more."""
