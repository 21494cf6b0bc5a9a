"""What brings the database of a project up to date before it starts, by the files that the tools for that keep."""

from __future__ import annotations

from nexusctl.importers.project.folder import ProjectFolder
from nexusctl.importers.project.program import Program

PRISMA = "prisma/schema.prisma"
MAKE_CLIENT = "npx prisma generate"
_KNEXFILES = tuple(f"knexfile.{ending}" for ending in ("js", "cjs", "mjs", "ts"))


def find_migration(folder: ProjectFolder, program: Program) -> tuple[list[str] | None, str]:
    """The command that migrates, and the file that says so; None for none."""
    if folder.has("manage.py") and "django" in program.packages:
        return ["python3", "manage.py", "migrate", "--noinput"], "manage.py"
    if folder.has("alembic.ini"):
        return ["alembic", "upgrade", "head"], "alembic.ini"
    if folder.has("migrations/alembic.ini") and "flask-migrate" in program.packages:
        return ["flask", "db", "upgrade"], "migrations/alembic.ini"
    if folder.has(PRISMA):
        kept = any(folder.path.glob("prisma/migrations/*/migration.sql"))
        return ["npx", "prisma", *(["migrate", "deploy"] if kept else ["db", "push"])], PRISMA
    if "knex" in program.packages and (file := folder.first(*_KNEXFILES)):
        return ["npx", "knex", "migrate:latest"], file
    return None, ""
