"""`${...}`: what each reference means, and the text that it becomes."""
