"""Show that a job starts in an empty folder of its own."""

from pathlib import Path

before = list(Path().iterdir())
Path("draft.txt").write_text("nobody else sees this\n")
print("found", len(before), "files in my folder and left", len(list(Path().iterdir())))
