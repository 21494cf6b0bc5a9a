"""A project folder as a draft: from all of its files that say what it is, each for what it knows best."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nexusctl.config.trust.project_folder import around
from nexusctl.errors import Diagnostic, InputError
from nexusctl.importers.draft.draft import Draft, File, move_path
from nexusctl.importers.draft.names import fit_name, fit_names
from nexusctl.importers.project import database, described, migrations, redis, services, variables
from nexusctl.importers.project.folder import ProjectFolder
from nexusctl.importers.project.node import read_node
from nexusctl.importers.project.program import PRIVATE, Program
from nexusctl.importers.project.python import read_python
from nexusctl.importers.project.workspaces import read_workspaces
from nexusctl.model.trust import OURS, Trust

APP, MIGRATE = "app", "migrate"
_USES_PORT = re.compile(r"\$\{?PORT\b")
_USUAL_PORTS = {"python": 8000, "node": 3000}
# They listen where PORT says, on all addresses, without a word about it in their command.
_TAKES_PORT = re.compile(r"\A(?:\S*/)?gunicorn\b(?!.*(?:-b|--bind)\b)")
_SHARED = ("template", "image", "packages", "uploads", "working_dir", "env_file", "env", "user")


def read_project(folder: Path, target: Path, trust: Trust = OURS) -> Draft:
    """The draft of a stack file in the folder `target` for the project in `folder`, and which file said what.

    Raises `InputError` where nothing there says what it is.
    """
    files = ProjectFolder(folder, around(trust, folder / ".env"))
    proposal = _Proposal(files, _read_program(files), target)
    proposal.take_all()
    return proposal.draft()


def _read_program(folder: ProjectFolder) -> Program:
    if folder.has("package.json"):
        folder.text("package.json")
        return read_node(folder)
    if folder.has("requirements.txt") or folder.has("pyproject.toml"):
        return read_python(folder)
    if folder.has(described.DOCKERFILE):
        return described.read_image(folder)
    raise InputError(
        Diagnostic(
            f"nothing in `{folder.path}` says what kind of project it is",
            hint="it needs a package.json, requirements.txt, pyproject.toml or Dockerfile; or take `--template NAME`",
        )
    )


class _Proposal:
    """Grows while the files are read, the one that knows more of a thing after the one that knows less."""

    def __init__(self, folder: ProjectFolder, program: Program, target: Path) -> None:
        self.folder, self.program, self.target = folder, program, target
        self.app = {**program.sandbox}
        self.ports: list[Any] = list(program.ports)
        self.name = APP
        self.others: dict[str, dict[str, Any]] = {}
        self.sections: dict[str, dict[str, Any]] = {}
        self.files: dict[str, File] = {}
        self.processes = described.read_processes(folder)

    def take_all(self) -> None:
        self._take_dockerfile()
        self._take_processes()
        self._take_services()
        example, pairs = variables.read_example(self.folder)
        self._take_port(example, pairs)
        self._settle_port()
        self._take_variables(example, pairs)
        self._add_migration()
        self._make_client()
        self._add_others()

    def _take_dockerfile(self) -> None:
        if "template" in self.app and self.folder.has(described.DOCKERFILE):
            # Docker publishes what it likes of these; what was found in the program is served first.
            ports = described.take_dockerfile(self.folder, self.app)
            if ports:
                self.ports = ports
                self.folder.say("port", described.DOCKERFILE, ", ".join(map(str, ports)))

    def _take_processes(self) -> None:
        if web := self.processes.get("web"):
            self.app["command"] = web
            self.folder.say("command", described.PROCFILE, web)

    def _take_services(self) -> None:
        file = services.find_compose_file(self.folder)
        found = services.read_services(self.folder, file, self.target) if file else None
        if not found:
            return
        self.name, draft = found
        sandboxes = {**draft.document.get("sandboxes", {})}
        said = sandboxes.pop(self.name, {})
        services.lay_over(self.folder, file, self.app, said)
        self.ports = self.app.pop("ports", self.ports)
        self.others |= sandboxes
        if sandboxes:
            self.folder.say("sandboxes", file, ", ".join(sandboxes))
        self.sections = {
            key: {**value} for key, value in draft.document.items() if key not in ("name", "sandboxes") and value
        }
        self.files |= {name: file for name, file in draft.files.items() if not name.endswith(".template.yaml")}

    def _take_port(self, example: str, pairs: dict[str, str]) -> None:
        number = pairs.get("PORT", "")
        if number.isdecimal() and 0 < int(number) < 65536 and not services.find_compose_file(self.folder):
            command = str(self.app.get("command", ""))
            reads = _USES_PORT.search(command) or "PORT" in self.folder.variables_read()
            if reads and "PORT" not in self.app.get("env", {}) and self.ports != [int(number)]:
                self.ports = [int(number)]
                self.folder.say("port", example, number)

    def _settle_port(self) -> None:
        """What listens where `PORT` says is told where that is."""
        command = self.app.get("command", "")
        text = command if isinstance(command, str) else " ".join(command)
        env = self.app.get("env", {})
        if (_USES_PORT.search(text) or _TAKES_PORT.match(text)) and "PORT" not in env:
            usual = _USUAL_PORTS.get(str(self.app.get("template")), 8000)
            self.ports = self.ports or [usual]
            self.app["env"] = {**env, "PORT": str(_inside(self.ports[0]))}
        elif not self.ports and str(env.get("PORT", "")).isdecimal():
            self.ports = [int(env["PORT"])]
        if self.ports:
            self.app["ports"] = self.ports
        number = _inside(self.ports[0]) if self.ports else None
        if number and self.program.probed and "health" not in self.app:
            self.app["health"] = {"tcp": number}

    def _take_variables(self, example: str, pairs: dict[str, str]) -> None:
        if self.folder.has(".env"):
            self.app["env_file"] = move_path(".env", self.folder.path, self.target)
            self.folder.say("env_file", ".env")
        env = self.app.get("env", {})
        read = self.folder.variables_read()
        kind, reason = database.find_database(self.folder, self.program)
        if kind and not self._has_database():
            self._add_database(kind, reason)
            env = {**database.database_variables(kind, self.program, pairs, read), **env}
        if (package := redis.needs_redis(self.program)) and not self._has("redis", "valkey"):
            self._add_redis(package)
            env = {**redis.redis_variables(self.program, pairs, read), **env}
        taken = variables.take_example(self.folder, example, pairs, env) if example else {}
        for name in sorted({*pairs, *read} if not self.folder.has(".env") else ()):
            if variables.is_own_secret(name) and name not in env:
                taken[name] = self._generate(name.lower())
        if env or taken:
            self.app["env"] = {**taken, **env}

    def _has_database(self) -> bool:
        return self._has("postgres", "mariadb", "mysql")

    def _has(self, *words: str) -> bool:
        """Whether another sandbox is made of something that is called so."""
        made = [str(other.get("image", other.get("template"))) for other in self.others.values()]
        return any(word in text for text in made for word in words)

    def _add_redis(self, package: str) -> None:
        self.others[redis.NAME] = {"template": "redis"}
        self._wait_for(redis.NAME)
        self.folder.say(f"sandbox {redis.NAME}", f"package {package}")

    def _add_database(self, kind: database.Kind, reason: str) -> None:
        self.others[database.NAME] = database.database_sandbox(kind)
        self.sections.setdefault("volumes", {})[database.VOLUME] = None
        for secret in database.database_secrets(kind):
            self._generate(secret)
        self._wait_for(database.NAME)
        self.folder.say(f"sandbox {database.NAME}", reason)

    def _generate(self, name: str) -> str:
        """A secret whose value is made here and now, unless an earlier one lies there; returns what refers to it."""
        path = f"{PRIVATE}/{name}"
        self.sections.setdefault("secrets", {})[name] = {"file": f"./{path}"}
        if not (self.target / path).exists():
            self.files[path] = File(data=secrets.token_hex(24).encode() + b"\n", private=True)
        if not (self.target / PRIVATE / ".gitignore").exists():
            self.files[f"{PRIVATE}/.gitignore"] = File(data=b"*\n")
        return f"${{secret.{name}}}"

    def _wait_for(self, name: str) -> None:
        wanted = self.app.get("depends_on", [])
        if isinstance(wanted, dict):
            self.app["depends_on"] = {**wanted, name: {"condition": "healthy"}}
        else:
            self.app["depends_on"] = [*wanted, name]

    def _add_migration(self) -> None:
        command, file = migrations.find_migration(self.folder, self.program)
        release = self.processes.get("release")
        if release:
            command, file = [release], described.PROCFILE
        if not command:
            return
        self.folder.say(MIGRATE, file, " ".join(command))
        words: Any = release or command
        if not self._has_database() and database.NAME not in self.others:
            # The data lie in the sandbox itself.
            self.app["startup"] = words if isinstance(words, str) else " ".join(words)
            return
        task = {"kind": "task", **{key: self.app[key] for key in _SHARED if key in self.app}, "command": words}
        if "depends_on" in self.app:
            task["depends_on"] = self.app["depends_on"]
        self.others[MIGRATE] = task
        self.app["depends_on"] = [MIGRATE] if isinstance(self.app.get("depends_on", []), list) else {
            **self.app["depends_on"], MIGRATE: {"condition": "completed"}
        }  # fmt: skip

    def _make_client(self) -> None:
        """Prisma writes its client by the schema, which is not there yet when the packages come."""
        if self.folder.has(migrations.PRISMA) and "@prisma/client" in self.program.packages:
            scripts = [*([self.app["startup"]] if "startup" in self.app else []), migrations.MAKE_CLIENT]
            self.app["startup"] = " && ".join(scripts)
            self.folder.say("startup", migrations.PRISMA, migrations.MAKE_CLIENT)

    def _add_others(self) -> None:
        known = ("postgres", "mariadb", "redis")
        has = {"mariadb": ("mariadb", "mysql"), "redis": ("redis", "valkey")}
        database.note_others(self.folder, self.program, [name for name in known if self._has(*has.get(name, (name,)))])
        found = dict(described.workers(self.processes))
        made = {"startup": migrations.MAKE_CLIENT} if migrations.MAKE_CLIENT in self.app.get("startup", "") else {}
        for name, fitted in fit_names(found).items():
            shared = made | {key: self.app[key] for key in (*_SHARED, "depends_on") if key in self.app}
            self.others[fitted] = {**shared, "command": found[name]}
            self.folder.say(f"sandbox {fitted}", described.PROCFILE)
        if self.program.several:
            for name, own in read_workspaces(self.folder).items():
                shared = {key: self.app[key] for key in (*_SHARED, "depends_on") if key in self.app}
                self.others[name] = {**shared, **own}

    def draft(self) -> Draft:
        ours = {name: self._moved(sandbox) for name, sandbox in self._sandboxes()}
        document = {"name": fit_name(self.program.name or self.folder.path.resolve().name), **self.sections}
        return Draft(
            document={**document, "sandboxes": ours},
            leftovers=self.folder.leftovers.found,
            files=self.files,
            said=self.folder.said,
        )

    def _sandboxes(self) -> Iterator[tuple[str, dict[str, Any]]]:
        if "command" in self.app or not self.others or not self.program.several:
            yield self.name, self.app
        yield from self.others.items()

    def _moved(self, sandbox: dict[str, Any]) -> dict[str, Any]:
        """With paths from where the stack file lies."""
        if "uploads" not in sandbox or sandbox.get("uploads") is not self.app.get("uploads"):
            return sandbox
        return {**sandbox, "uploads": [{**entry, "source": self._source(entry)} for entry in sandbox["uploads"]]}

    def _source(self, upload: dict[str, Any]) -> str:
        moved = move_path(str(upload["source"]), self.folder.path, self.target)
        return "." if moved in ("./.", "./") else moved


def _inside(port: Any) -> int | None:
    """The port in the sandbox, of whatever form it is written in."""
    text = str(port.get("container")) if isinstance(port, dict) else str(port).rpartition(":")[2].partition("/")[0]
    return int(text) if text.isdecimal() else None
