"""Projects of common shapes, each as its files, and what it answers when it works; `<<image>>` stands for an image."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Shape:
    """`answer` is what the sandbox `asked` says on its port, `sandboxes` are all that are proposed.

    With `lock` there is a package-lock.json beside them, which npm made.
    """

    files: Mapping[str, str]
    answer: str
    sandboxes: frozenset[str] = frozenset({"app"})
    asked: str = "app"
    lock: bool = False
    path: str = "/"
    secrets: frozenset[str] = field(default_factory=frozenset)


def _package(**more: object) -> str:
    return json.dumps({"name": "shape", **more})


_DATABASE = frozenset({"app", "db", "migrate"})

SHAPES: Mapping[str, Shape] = {
    "express with a lock": Shape(
        lock=True,
        answer="express is here",
        files={
            "package.json": _package(scripts={"start": "node server.js"}, dependencies={"express": "4.19.2"}),
            "server.js": (
                'const port = process.env.PORT || 3456;\nconst app = require("express")();\n'
                'app.get("/", (q, a) => a.send("express is here"));\napp.listen(port);\n'
            ),
        },
    ),
    "redis and mysql": Shape(
        lock=True,
        answer="counted 1 in app",
        sandboxes=frozenset({"app", "db", "redis"}),
        secrets=frozenset({"db_password", "db_root_password"}),
        files={
            "package.json": _package(
                scripts={"start": "node server.js"},
                dependencies={"express": "4.19.2", "ioredis": "5.4.1", "mysql2": "3.9.7"},
            ),
            ".env.example": "PORT=3456\nDATABASE_URL=mysql://me:secret@localhost:3306/mine\n",
            "server.js": (
                'const redis = new (require("ioredis"))(process.env.REDIS_URL);\n'
                'const mysql = require("mysql2/promise").createPool(process.env.DATABASE_URL);\n'
                'require("express")().get("/", async (q, a) => {\n'
                '  const [[row]] = await mysql.query("select database() as name");\n'
                '  a.send(`counted ${await redis.incr("calls")} in ${row.name}`);\n'
                "}).listen(process.env.PORT);\n"
            ),
        },
    ),
    "a monorepo of workspaces": Shape(
        lock=True,
        asked="api",
        sandboxes=frozenset({"api"}),
        answer="mono is here 1s",
        files={
            "package.json": '{"name": "mono", "private": true, "workspaces": ["packages/*"]}',
            "packages/lib/package.json": (
                '{"name": "@mono/lib", "version": "1.0.0", "main": "index.js", "dependencies": {"ms": "2.1.3"}}'
            ),
            "packages/lib/index.js": 'exports.word = "mono is here " + require("ms")(1000);\n',
            "packages/api/package.json": (
                '{"name": "@mono/api", "version": "1.0.0", "scripts": {"start": "node server.js"},'
                ' "dependencies": {"@mono/lib": "1.0.0", "express": "4.19.2"}}'
            ),
            "packages/api/server.js": (
                'const { word } = require("@mono/lib");\n'
                'require("express")().get("/", (q, a) => a.send(word)).listen(process.env.PORT || 4100);\n'
            ),
        },
    ),
    "typescript that is built": Shape(
        answer="built is here",
        files={
            "package.json": _package(
                scripts={"build": "mkdir -p dist && cp src/index.ts dist/index.js", "start": "node dist/index.js"}
            ),
            "src/index.ts": 'require("http").createServer((q, a) => a.end("built is here")).listen(4321);\n',
        },
    ),
    "fastapi": Shape(
        answer='"fastapi is here"',
        files={
            "requirements.txt": "fastapi==0.115.0\nuvicorn==0.30.0\n",
            "app/__init__.py": "",
            "app/main.py": (
                "from fastapi import FastAPI\n\napi = FastAPI()\n\n\n"
                '@api.get("/")\ndef root() -> str:\n    return "fastapi is here"\n'
            ),
        },
    ),
    "flask in a pyproject with src": Shape(
        answer="flask is here",
        files={
            "pyproject.toml": '[project]\nname = "shop"\nversion = "1"\ndependencies = ["flask==3.0.3"]\n',
            "src/shop/__init__.py": (
                "import flask\n\n\ndef create_app():\n    app = flask.Flask(__name__)\n"
                '    app.get("/")(lambda: "flask is here")\n    return app\n'
            ),
        },
    ),
    "procfile, example and alembic": Shape(
        answer="flask is here 0",
        sandboxes=_DATABASE | {"worker"},
        secrets=frozenset({"db_password", "secret_key"}),
        files={
            "requirements.txt": (
                "Flask==3.0.3\nSQLAlchemy==2.0.35\nalembic==1.13.2\npsycopg2-binary==2.9.9\ngunicorn==23.0.0\n"
            ),
            "Procfile": "web: gunicorn app:app --bind 0.0.0.0:$PORT\nworker: python3 -u worker.py\n",
            ".env.example": (
                "DATABASE_URL=postgresql://me:pass@localhost/mydb\nSECRET_KEY=change-me\nSTRIPE_API_KEY=\n"
                "GREETING=flask is here\nPORT=5050\n"
            ),
            "app.py": (
                "import os\nimport flask, sqlalchemy\n\napp = flask.Flask(__name__)\n"
                'app.secret_key = os.environ["SECRET_KEY"]\n'
                'engine = sqlalchemy.create_engine(os.environ["DATABASE_URL"])\n\n\n@app.get("/")\ndef root():\n'
                "    with engine.connect() as connection:\n"
                '        found = connection.execute(sqlalchemy.text("select count(*) from things")).scalar()\n'
                "        return f\"{os.environ['GREETING']} {found}\"\n"
            ),
            "worker.py": 'import time\n\nwhile True:\n    print("working", flush=True)\n    time.sleep(1)\n',
            "alembic.ini": "[alembic]\nscript_location = migrations\n",
            "migrations/env.py": (
                "import os\nfrom alembic import context\nfrom sqlalchemy import create_engine\n\n"
                'with create_engine(os.environ["DATABASE_URL"]).connect() as connection:\n'
                "    context.configure(connection=connection)\n    with context.begin_transaction():\n"
                "        context.run_migrations()\n"
            ),
            "migrations/versions/1_things.py": (
                'import sqlalchemy as sa\nfrom alembic import op\n\nrevision, down_revision = "1", None\n\n\n'
                'def upgrade():\n    op.create_table("things", sa.Column("id", sa.Integer, primary_key=True))\n'
            ),
        },
    ),
    "django": Shape(
        answer="django is here 0",
        sandboxes=_DATABASE,
        secrets=frozenset({"db_password", "django_secret_key"}),
        files={
            "requirements.txt": "Django==5.1\npsycopg[binary]==3.2.3\n",
            "manage.py": (
                'import os, sys\n\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "site1.settings")\n'
                "from django.core.management import execute_from_command_line\n\n"
                "execute_from_command_line(sys.argv)\n"
            ),
            "site1/__init__.py": "",
            "site1/settings.py": (
                'import os\n\nSECRET_KEY = os.environ["DJANGO_SECRET_KEY"]\nDEBUG = True\nROOT_URLCONF = "site1.urls"\n'
                'INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth"]\n'
                'DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": os.environ["DB_NAME"],\n'
                '    "USER": os.environ["DB_USER"], "PASSWORD": os.environ["DB_PASSWORD"],\n'
                '    "HOST": os.getenv("DB_HOST", "localhost"), "PORT": os.environ.get("DB_PORT", "5432")}}\n'
            ),
            "site1/urls.py": (
                "from django.contrib.auth.models import User\nfrom django.http import HttpResponse\n"
                "from django.urls import path\n\n"
                'urlpatterns = [path("", lambda r: HttpResponse(f"django is here {User.objects.count()}"))]\n'
            ),
        },
    ),
    "knex": Shape(
        answer="knex is here 0",
        sandboxes=_DATABASE,
        secrets=frozenset({"db_password"}),
        files={
            "package.json": _package(
                scripts={"start": "node src/index.js"},
                dependencies={"express": "4.19.2", "pg": "8.13.0"},
                devDependencies={"knex": "3.1.0"},
            ),
            "knexfile.js": 'module.exports = { client: "pg", connection: process.env.DATABASE_URL };\n',
            "migrations/1_things.js": (
                'exports.up = (k) => k.schema.createTable("things", (t) => t.increments());\n'
                'exports.down = (k) => k.schema.dropTable("things");\n'
            ),
            "src/index.js": (
                'const knex = require("knex")(require("../knexfile"));\n'
                'require("express")().get("/", async (q, a) =>\n'
                '  a.send("knex is here " + (await knex("things").count())[0].count)).listen(process.env.PORT);\n'
            ),
        },
    ),
    "vite": Shape(
        answer="<p>vite is here</p>",
        files={
            "package.json": _package(scripts={"dev": "vite", "build": "vite build"}, devDependencies={"vite": "5.4.8"}),
            "index.html": "<p>vite is here</p>\n",
        },
    ),
    "vite with react": Shape(
        answer="<p>react is here</p>",
        files={
            "package.json": _package(
                scripts={"dev": "vite"},
                dependencies={"react": "^19", "react-dom": "^19"},
                devDependencies={"vite": "^8", "@vitejs/plugin-react": "^6"},
            ),
            "index.html": "<p>react is here</p>\n",
        },
    ),
    "a dockerfile of stages beside a package.json": Shape(
        answer="docker is here",
        files={
            "package.json": _package(scripts={"start": "node src/server.js"}, dependencies={"express": "4.19.2"}),
            "src/server.js": (
                'require("express")().get("/", (q, a) => a.send(`docker is ${process.env.WORD}`))'
                ".listen(process.env.PORT);\n"
            ),
            "Dockerfile": (
                "FROM node:22 AS base\nWORKDIR /srv/shop\nCOPY package*.json ./\nRUN npm install --omit=dev\n"
                "FROM base AS final\nENV PORT=8080 WORD=here\nCOPY src ./src\nEXPOSE 8080\n"
                'CMD ["node", "/srv/shop/src/server.js"]\n'
            ),
        },
    ),
    "requirements, dockerfile, procfile and compose file": Shape(
        answer="it is compose",
        asked="web",
        sandboxes=frozenset({"web", "side"}),
        files={
            "requirements.txt": "six==1.16.0\n",
            "serve.py": (
                "import http.server, os, six\n\n\nclass Answer(http.server.BaseHTTPRequestHandler):\n"
                "    def do_GET(self):\n        self.send_response(200)\n        self.end_headers()\n"
                "        self.wfile.write(f\"it is {os.environ['WORD']}\".encode())\n\n\n"
                'http.server.HTTPServer(("", int(os.environ["PORT"])), Answer).serve_forever()\n'
            ),
            "Dockerfile": 'FROM python:3.12-slim\nENV PORT=9090 WORD=docker\nEXPOSE 9090\nCMD ["python3", "none.py"]\n',
            "Procfile": "web: python3 -u serve.py\n",
            "compose.yaml": (
                "services:\n  web:\n    build: .\n    environment: {WORD: compose}\n    ports: ['9090']\n"
                "    depends_on: [side]\n  side:\n    image: <<image>>\n    command: [sleep, infinity]\n"
            ),
        },
    ),
}
