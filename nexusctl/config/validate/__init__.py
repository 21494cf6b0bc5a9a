"""What is wrong with a document, and what to type instead."""
