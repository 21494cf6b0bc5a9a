"""What was edited inside since it was uploaded: what a plan would write over, and what is brought back."""
