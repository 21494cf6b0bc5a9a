"""What looks like a secret is taken for one, and what only sounds like one is not."""

from __future__ import annotations

import pytest

from nexusctl.model.values.secret_detection import looks_secret, takes_secret

MADE_UP = "0123456789abcdef"
SECRET = [
    ("POSTGRES_PASSWORD", "x1"),
    ("PGPASSWORD", "x1"),
    ("spring.datasource.password", "x1"),
    ("adminPassword", "x1"),
    ("SECRET_KEY_BASE", "x1"),
    ("RAILS_MASTER_KEY", "x1"),
    ("AUTH_SALT", "x1"),
    ("AWS_SECRET_ACCESS_KEY", "x1"),
    ("API_KEYS", "x1,y2"),
    ("CACHE", "redis://:x1@cache:6379/0"),
    ("CONNECTION", "Server=db;User Id=sa;Password=x1;"),
    ("JDBC", "jdbc:mysql://db/shop?user=a&password=x1"),
    ("KEY", "-----BEGIN EC PRIVATE KEY-----"),
    ("STRIPE", f"sk_live_{MADE_UP}"),
    ("BEARER", f"eyJ{MADE_UP}.eyJ{MADE_UP}.x"),
]
PLAIN = [
    ("POSTGRES_PASSWORD_FILE", "/run/secrets/db"),
    ("DB_PASSWORD", "/run/secrets/db"),
    ("ALLOW_EMPTY_PASSWORD", "yes"),
    ("PASSWORD_MIN_LENGTH", "12"),
    ("TOKENIZER", "fast"),
    ("SORT_KEY", "id"),
    ("URL", "http://user@example.test:80/a:b@c"),
    ("COMPASS", "north"),
    ("DB_PASSWORD", ""),
]


@pytest.mark.parametrize(("name", "value"), SECRET)
def test_secrets(name: str, value: str) -> None:
    assert looks_secret(name, value)


@pytest.mark.parametrize(("name", "value"), PLAIN)
def test_no_secrets(name: str, value: str) -> None:
    assert not looks_secret(name, value)


@pytest.mark.parametrize("command", ["redis-server --requirepass x1y2", "tool --api-key=x1y2", "get http://a:x1@b/"])
def test_commands_with_a_secret(command: str) -> None:
    assert takes_secret(command)


@pytest.mark.parametrize(
    "command", ["serve --token-file /run/t", "serve --password-stdin", "serve --token $TOKEN", "serve --token yes"]
)
def test_commands_without(command: str) -> None:
    assert not takes_secret(command)
