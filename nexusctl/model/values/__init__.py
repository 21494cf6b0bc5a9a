"""What every value is made with: frozen classes, shapes of JSON, checksums."""
