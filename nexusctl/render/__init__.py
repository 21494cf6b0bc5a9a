"""Values -> text or JSON; never prints."""
