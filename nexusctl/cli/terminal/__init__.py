"""What a terminal shows while something goes on, and what it sends."""
