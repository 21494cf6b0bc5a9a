"""What differs between file, record and live sandbox. Pure."""
