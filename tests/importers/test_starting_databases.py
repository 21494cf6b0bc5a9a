"""The databases that are proposed for a project, by its packages, by Prisma's schema and by the names it asks for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nexusctl.api.importing.importing import write
from nexusctl.config.load import load, template_names
from nexusctl.importers.draft.draft import Draft
from nexusctl.importers.project import database, redis
from nexusctl.importers.project.project import read_project

SCHEMA = """\
generator client { provider = "prisma-client-js" }
datasource db {
  provider = "KIND"
  url = env("DATABASE_URL")
}
"""
WITHOUT = tuple(name for name in template_names() if name not in ("redis", "mariadb"))


def propose(folder: Path, packages: dict[str, str], **files: str) -> Draft:
    told = {"scripts": {"start": "node server.js"}, "dependencies": packages}
    (folder / "package.json").write_text(json.dumps(told))
    (folder / "server.js").write_text("process.env.MYSQL_HOST; process.env.REDIS_HOST; process.env.CELERY_BROKER_URL\n")
    (folder / "prisma").mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / {"schema": "prisma/schema.prisma", "example": ".env.example"}[name]).write_text(text)
    return read_project(folder, folder)


@pytest.fixture(params=["without", "as built in"])
def there(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """The templates that there are: of redis and mariadb sandboxes are proposed only where there is one."""
    known = tuple(template_names()) if request.param == "as built in" else WITHOUT
    for module in (database, redis):
        monkeypatch.setattr(module, "template_names", lambda: known)
    return known


def reasons(draft: Draft) -> dict[str, str]:
    return {left.what: left.reason for left in draft.leftovers}


def test_mysql(tmp_path: Path, there: tuple[str, ...]) -> None:
    draft = propose(tmp_path, {"mysql2": "3"}, example="DB_URL=mysql://a:b@localhost:3306/x\nDB_USERNAME=a\n")
    sandboxes, listed = draft.document["sandboxes"], reasons(draft)
    if "mariadb" not in there:
        assert "db" not in sandboxes
        assert "MySQL" in listed["package mysql2"]
        return
    assert "package mysql2" not in listed
    assert sandboxes["db"] == {
        "template": "mariadb",
        "env": {
            "MARIADB_USER": "app",
            "MARIADB_DATABASE": "app",
            "MARIADB_PASSWORD": "${secret.db_password}",
            "MARIADB_ROOT_PASSWORD": "${secret.db_root_password}",
        },
        "volumes": ["db-data:/var/lib/mysql"],
    }
    env = sandboxes["app"]["env"]
    assert env["DB_URL"] == env["DATABASE_URL"] == "mysql://app:${secret.db_password}@db:3306/app"
    assert (env["MYSQL_HOST"], env["DB_USERNAME"], env["MYSQL_DATABASE"]) == ("db", "app", "app")
    assert sandboxes["app"]["depends_on"] == ["db"]
    assert {"db_password", "db_root_password"} <= draft.document["secrets"].keys()


@pytest.mark.parametrize("package", ["redis", "ioredis", "bullmq"])
def test_redis(tmp_path: Path, there: tuple[str, ...], package: str) -> None:
    draft = propose(tmp_path, {package: "5"}, example="CACHE_REDIS_URL=redis://localhost\n")
    sandboxes, listed = draft.document["sandboxes"], reasons(draft)
    if "redis" not in there:
        assert "redis" not in sandboxes
        assert "Redis" in listed[f"package {package}"]
        return
    assert f"package {package}" not in listed
    assert sandboxes["redis"] == {"template": "redis"}
    env = sandboxes["app"]["env"]
    assert env["REDIS_URL"] == env["CACHE_REDIS_URL"] == "redis://redis:6379/0"
    assert env["REDIS_HOST"] == "redis"


@pytest.mark.parametrize("package", ["mongoose", "better-sqlite3", "amqplib"])
def test_what_has_no_template_is_listed_with_words(tmp_path: Path, there: tuple[str, ...], package: str) -> None:
    draft = propose(tmp_path, {package: "1"})
    assert draft.document["sandboxes"].keys() == {"app"}
    assert "sandbox" in reasons(draft)[f"package {package}"]


@pytest.mark.parametrize("kind", ["postgresql", "mysql", "sqlite", "mongodb", "sqlserver"])
def test_what_the_schema_of_prisma_says_counts_before_packages(
    tmp_path: Path, there: tuple[str, ...], kind: str
) -> None:
    schema = SCHEMA.replace("KIND", kind)
    draft = propose(tmp_path, {"prisma": "6", "@prisma/client": "6", "pg": "8"}, schema=schema)
    sandboxes: dict[str, Any] = draft.document["sandboxes"]
    wanted = {"postgresql": "postgres", "mysql": "mariadb"}.get(kind)
    if wanted in there:
        assert sandboxes["db"]["template"] == wanted
        task = sandboxes["migrate"]
        assert (task["command"], task["kind"]) == (["npx", "prisma", "db", "push"], "task")
        assert sandboxes["app"]["startup"] == "npx prisma generate"
        assert sandboxes["app"]["depends_on"] == ["migrate"]
    else:
        assert sandboxes.keys() == {"app"}
        assert sandboxes["app"]["startup"] == "npx prisma db push && npx prisma generate"
        assert "sandbox" in reasons(draft)["prisma/schema.prisma"]
    if wanted in there:
        write(draft, tmp_path / "nexus.yaml")
        assert load(tmp_path / "nexus.yaml").sandboxes.keys() == {"app", "db", "migrate"}
