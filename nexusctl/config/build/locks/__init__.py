"""Lock files of package managers: which files go along with each."""
