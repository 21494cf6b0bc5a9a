"""The databases that a project needs: sandboxes of their own, with passwords that are made here."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from nexusctl.config.templates.builtin import template_names
from nexusctl.importers.project.folder import ProjectFolder
from nexusctl.importers.project.program import Program
from nexusctl.model.values.frozen import dataclass

NAME, SECRET, ROOT_SECRET, VOLUME = "db", "db_password", "db_root_password", "db-data"
USER = "app"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A database with a template. `drivers` are packages that speak to it, `providers` what Prisma calls it, `usual`
    the variables in which its own tools look; `words` is what its image calls user, database and password.
    """

    template: str
    drivers: frozenset[str]
    providers: frozenset[str]
    folder: str
    port: str
    scheme: re.Pattern[str]
    words: tuple[str, str, str]
    usual: tuple[str, ...]


POSTGRES = Kind(
    template="postgres",
    drivers=frozenset(
        {
            *("pg", "postgres", "pg-promise", "@prisma/adapter-pg", "@neondatabase/serverless"),
            *("psycopg", "psycopg2", "psycopg2-binary", "asyncpg", "pg8000", "aiopg", "django-postgres-extra"),
        }
    ),
    providers=frozenset({"postgresql", "postgres"}),
    folder="/var/lib/postgresql/data",
    port="5432",
    scheme=re.compile(r"(postgres(?:ql)?(?:\+\w+)?)://"),
    words=("POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD"),
    usual=("DATABASE_URL", "PGHOST", "PGUSER", "PGPASSWORD", "PGDATABASE"),
)
MYSQL = Kind(
    template="mariadb",
    drivers=frozenset(
        {
            *("mysql", "mysql2", "mariadb", "@prisma/adapter-mariadb"),
            *("mysqlclient", "pymysql", "aiomysql", "asyncmy", "mysql-connector-python"),
        }
    ),
    providers=frozenset({"mysql"}),
    folder="/var/lib/mysql",
    port="3306",
    scheme=re.compile(r"((?:mysql|mariadb)(?:\+\w+)?)://"),
    words=("MARIADB_USER", "MARIADB_DATABASE", "MARIADB_PASSWORD"),
    usual=("DATABASE_URL", "MYSQL_HOST", "MYSQL_USER", "MYSQL_PASSWORD", "MYSQL_DATABASE"),
)
# SQLAlchemy knows one driver of each by itself, and has to be told of others.
_ALCHEMY = frozenset({"sqlalchemy", "sqlmodel", "alembic", "flask-sqlalchemy"})
_ITS_OWN = {"postgres": {"psycopg2", "psycopg2-binary"}, "mariadb": {"mysqlclient"}}
_TOLD = {
    "postgres": ("psycopg", "asyncpg", "pg8000"),
    "mariadb": ("pymysql", "aiomysql", "asyncmy", "mysql-connector-python"),
}
_ALCHEMY_CALLS = {"mysql-connector-python": "mysqlconnector"}

_PROVIDER = re.compile(r"provider\s*=\s*\"(\w+)\"")
_SOURCE = re.compile(r"datasource\s+\w+\s*\{[^}]*\}", re.DOTALL)
_BELOW = "its data is a file in the sandbox and goes with it; keep the folder of that in a volume"
_NO_TEMPLATE = "if it needs {}, add a sandbox for it: there is no built-in template of that"
_OTHERS = {
    **dict.fromkeys(("mongodb", "mongoose", "pymongo", "motor", "mongoengine"), _NO_TEMPLATE.format("MongoDB")),
    **dict.fromkeys(("redis", "ioredis", "bull", "bullmq", "connect-redis"), _NO_TEMPLATE.format("Redis")),
    **dict.fromkeys(("celery", "amqplib", "pika"), _NO_TEMPLATE.format("a broker")),
    **dict.fromkeys(("sqlite3", "better-sqlite3", "aiosqlite"), _BELOW),
}
_WHOSE = r"(?:DB|DATABASE|POSTGRES|POSTGRESQL|PG|SQL|MYSQL|MARIADB)_?"
_PARTS = {
    "URL": re.compile(
        r"(?:.*_)?(?:DATABASE|DB|POSTGRES|POSTGRESQL|PG|MYSQL|MARIADB|SQLALCHEMY_DATABASE)_?(?:URL|URI|DSN)\Z"
    ),
    "HOST": re.compile(_WHOSE + r"(?:HOST|HOSTNAME|SERVER)\Z"),
    "PORT": re.compile(_WHOSE + r"PORT\Z"),
    "USER": re.compile(_WHOSE + r"(?:USER|USERNAME)\Z"),
    "PASSWORD": re.compile(_WHOSE + r"(?:PASSWORD|PASS|PASSWD)\Z"),
    "NAME": re.compile(
        r"(?:DB_NAME|DB_DATABASE|DATABASE_NAME|POSTGRES_DB|POSTGRES_DATABASE|POSTGRES_NAME|PGDATABASE"
        r"|(?:MYSQL|MARIADB)_(?:DB|DATABASE))\Z"
    ),
}


def find_database(folder: ProjectFolder, program: Program) -> tuple[Kind | None, str]:
    """Where the project keeps its data, of what there is a template of, and the word that says so."""
    known = [kind for kind in (POSTGRES, MYSQL) if kind.template in template_names()]
    if provider := _find_provider(folder):
        return next((kind for kind in known if provider in kind.providers), None), "prisma/schema.prisma"
    for kind in known:
        if found := sorted(kind.drivers & program.packages):
            return kind, f"package {found[0]}"
    return None, ""


def _find_provider(folder: ProjectFolder) -> str:
    """The database that Prisma's schema is for, empty for none."""
    source = _SOURCE.search(folder.text("prisma/schema.prisma"))
    provider = _PROVIDER.search(source[0]) if source else None
    return provider[1] if provider else ""


def note_others(folder: ProjectFolder, program: Program, there: Collection[str]) -> None:
    """List what it may need and has not got; `there` are the templates of the databases that it has."""
    for kind, called in ((POSTGRES, "PostgreSQL"), (MYSQL, "MySQL")):
        for name in sorted(kind.drivers & program.packages if kind.template not in there else ()):
            folder.leftovers.add(f"package {name}", _NO_TEMPLATE.format(called).partition(": there")[0])
    for name in sorted(_OTHERS.keys() & program.packages):
        if "Redis" not in _OTHERS[name] or "redis" not in there:
            folder.leftovers.add(f"package {name}", _OTHERS[name])
    provider = _find_provider(folder)
    if provider == "sqlite":
        folder.leftovers.add("prisma/schema.prisma", _BELOW)
    elif provider and not any(provider in kind.providers for kind in (POSTGRES, MYSQL) if kind.template in there):
        folder.leftovers.add("prisma/schema.prisma", f"add a sandbox for its {provider}: there is no built-in template")


def database_sandbox(kind: Kind) -> dict[str, Any]:
    env = dict(zip(kind.words, (USER, USER, f"${{secret.{SECRET}}}"), strict=True))
    root = {"MARIADB_ROOT_PASSWORD": f"${{secret.{ROOT_SECRET}}}"} if kind is MYSQL else {}
    return {"template": kind.template, "env": {**env, **root}, "volumes": [f"{VOLUME}:{kind.folder}"]}


def database_secrets(kind: Kind) -> tuple[str, ...]:
    return (SECRET, ROOT_SECRET) if kind is MYSQL else (SECRET,)


def database_variables(
    kind: Kind, program: Program, example: Mapping[str, str], read: Collection[str]
) -> dict[str, str]:
    """Where the database is, under the names by which the project asks for it, and the usual ones."""
    scheme = _find_scheme(kind, program, example)
    values = {
        "URL": f"{scheme}://{USER}:${{secret.{SECRET}}}@{NAME}:{kind.port}/{USER}",
        "HOST": NAME,
        "PORT": kind.port,
        "USER": USER,
        "PASSWORD": f"${{secret.{SECRET}}}",
        "NAME": USER,
    }
    names = dict.fromkeys([*kind.usual, *example, *sorted(read)])
    return {name: values[part] for name in names for part, pattern in _PARTS.items() if pattern.match(name)}


def _find_scheme(kind: Kind, program: Program, example: Mapping[str, str]) -> str:
    """As the example writes it, else as SQLAlchemy wants it."""
    for name, value in example.items():
        if _PARTS["URL"].match(name) and (match := kind.scheme.match(value)):
            return match[1]
    plain = "postgresql" if kind is POSTGRES else "mysql"
    if program.packages & _ALCHEMY and not program.packages & _ITS_OWN[kind.template]:
        driver = next((name for name in _TOLD[kind.template] if name in program.packages), "")
        return f"{plain}+{_ALCHEMY_CALLS.get(driver, driver)}" if driver else plain
    return plain
