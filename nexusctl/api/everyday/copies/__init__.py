"""Files into sandboxes and out of them, as archives."""
