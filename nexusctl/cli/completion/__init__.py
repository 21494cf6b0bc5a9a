"""What a shell is told when somebody asks it to complete a word. Loaded for that alone."""
