"""The file of a running stack, made anew from the records of its sandboxes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from nexusctl.config.build.dependencies import plain_dependency
from nexusctl.config.build.packages import plain_options
from nexusctl.importers.draft.draft import Draft, File, Leftovers
from nexusctl.importers.draft.names import fit_name
from nexusctl.importers.draft.nested_binds import settle_nested
from nexusctl.importers.draft.sandbox_to_yaml import escape, plain_command, plain_sandbox, sensitive_variable
from nexusctl.importers.draft.yaml_writer import write_text
from nexusctl.importers.live.declared import read_networks, read_volumes
from nexusctl.model.env_file_text import EnvFileText
from nexusctl.model.secret import list_uses
from nexusctl.model.stack import Sandbox, Stack
from nexusctl.model.template import Template
from nexusctl.model.uploads_and_packages import PackageSet, Reaction, Upload, UploadFile
from nexusctl.model.values.secret_detection import looks_secret

Contents = Mapping[tuple[str, str], tuple[bytes, str] | str]
"""By sandbox and absolute path, what a file holds now, and the SHA-256 of that in hex; or why that was not taken."""


def find_wanted(stack: Stack) -> Iterator[tuple[str, str]]:
    """The files whose content no record knows, as sandbox and absolute path; of replicas those of the first."""
    for sandbox in _first_of_groups(stack):
        for upload in sandbox.uploads:
            yield from ((sandbox.name, _place(upload, file)) for file in upload.files if file.kind == "file")
        for chosen in sandbox.packages:
            locks = (file for file in chosen.lock_files if file.kind == "file")
            yield from ((sandbox.name, _place_lock(sandbox, file)) for file in locks)


def read_recorded(stack: Stack, templates: Mapping[str, Template], contents: Contents) -> Draft:
    """The draft for the recorded `stack`; `templates` are the built-in ones that it uses.

    The content of uploads is what lies in the sandboxes now.
    """
    leftovers = Leftovers()
    leftovers.add("outputs, profiles", "no record has them; write them anew where the lost file had some")
    writer = _SandboxWriter(stack, dict(_select_fitting(templates, stack)), contents, leftovers)
    sandboxes = {sandbox.group: writer.write(sandbox) for sandbox in _first_of_groups(stack)}
    settle_nested(sandboxes, Path("/"), leftovers, keep=True)
    document = {
        "name": stack.name,
        "variables": _variables(stack, leftovers),
        "volumes": read_volumes(stack, leftovers),
        "networks": read_networks(stack, leftovers),
        "secrets": _secrets(stack, leftovers),
        "sandboxes": sandboxes,
    }
    return Draft(
        document={key: value for key, value in document.items() if value},
        leftovers=leftovers.found,
        files=writer.files,
    )


class _SandboxWriter:
    """Writes one sandbox after the other; `files` are those that have to lie beside the stack file."""

    def __init__(
        self, stack: Stack, templates: Mapping[str, Template], contents: Contents, leftovers: Leftovers
    ) -> None:
        self._stack = stack
        self._templates = templates
        self._contents = contents
        self._leftovers = leftovers
        self.files: dict[str, File] = {}

    def write(self, sandbox: Sandbox) -> dict[str, Any]:
        template = self._templates.get(sandbox.template or "")
        stand_in = self._stand_in(sandbox, sandbox.template) if sandbox.template and template is None else {}
        document = {**plain_sandbox(sandbox, template), **stand_in}
        if kept := self._keep_secrets(sandbox, document):
            document = {"env_file": [f"./{kept}"], **document}
        members = [other for other in self._stack.sandboxes.values() if other.group == sandbox.group]
        if sandbox.name != sandbox.group:
            document |= self._several(sandbox, members)
        uploads = [entry for upload in sandbox.uploads if (entry := self._upload(sandbox, upload))]
        if uploads:
            self._note(sandbox, "uploads", "`on_change` and `ignore` stand as they were when the sandbox last changed")
        locks = self._locks(sandbox)
        if locks:
            document["packages"] = {**document.get("packages", {}), **locks}
        wanted = self._dependencies(sandbox)
        return document | ({"uploads": uploads} if uploads else {}) | ({"depends_on": wanted} if wanted else {})

    def _stand_in(self, sandbox: Sandbox, name: str) -> dict[str, str]:
        """What names a template of one's own: a file that has nothing but its name, so that the record stays true."""
        path = f"{self._stack.name}.files/{name}.template.yaml"
        image = next(other.image for other in self._stack.sandboxes.values() if other.template == name)
        self._note(
            sandbox,
            "template",
            f"no record has the file of the template {name}, which is not nexusctl's own: what it brought stands here, "
            f"and {path} in its place, which cannot make {image} anew where no registry has that. Put the file itself "
            "there once you have it, and what it has to be given under `with`; that changes nothing that is live",
        )
        document = {
            "name": name,
            "description": "Stands for a file that was not at hand; what it brought stands with the sandboxes",
            "image": image,
        }
        self.files[path] = File(data=write_text(document).encode())
        return {"template": f"./{path}", "image": sandbox.image}

    def _keep_secrets(self, sandbox: Sandbox, document: dict[str, Any]) -> str:
        """Take values that look like secrets out of `document`; returns the file that has them, empty for none.

        A reference in their place would be another value than the record's.
        """
        values = {
            name: text
            for name, text in sandbox.env.items()
            if isinstance(text, EnvFileText) or (isinstance(text, str) and looks_secret(name, text.replace("$", "")))
        }
        if not values:
            return ""
        path = f"{self._stack.name}.files/{sandbox.group}.env"
        document["env"] = {name: text for name, text in document["env"].items() if name not in values}
        if not document["env"]:
            del document["env"]
        for name in sorted(values):
            why = "an env file gave it" if isinstance(values[name], EnvFileText) else "it looks like a secret"
            self._note(sandbox, f"env.{name}", f"{why}: it stands in {path}, which is not for git")
        lines = "".join(f"{name}={_quote(text)}\n" for name, text in sorted(values.items()))
        self.files[path] = File(data=lines.encode(), private=True)
        return path

    def _several(self, sandbox: Sandbox, members: list[Sandbox]) -> dict[str, Any]:
        """`replicas` or `for_each`, by the names of the members."""
        suffixes = [other.name.removeprefix(f"{sandbox.group}-") for other in members]
        if any(replace(other, name=sandbox.name) != sandbox for other in members):
            self._note(sandbox, "for_each", "its instances are not alike; the first one stands for all")
        if sorted(suffixes) == sorted(str(number + 1) for number in range(len(members))):
            return {"replicas": len(members)}
        return {"for_each": sorted(suffixes)}

    def _dependencies(self, sandbox: Sandbox) -> dict[str, Any]:
        groups = {
            d.sandbox: self._stack.sandboxes[d.sandbox].group
            for d in sandbox.depends_on
            if d.sandbox in self._stack.sandboxes
        }
        return {groups[d.sandbox]: plain_dependency(d) for d in sandbox.depends_on if d.sandbox in groups}

    def _upload(self, sandbox: Sandbox, upload: Upload) -> dict[str, Any] | None:
        """A file or a folder beside the stack file, with what lies in the sandbox now."""
        source = f"{self._stack.name}.files/{sandbox.group}{upload.target}"
        for file in upload.files:
            self._take(sandbox, upload, file, source)
        if not any(name == source or name.startswith(f"{source}/") for name in self.files):
            return None
        single = len(upload.files) == 1 and not upload.files[0].path
        mode = {"mode": f"{upload.files[0].mode:04o}"} if single else {}
        return {
            "source": f"./{source}",
            "target": upload.target,
            **mode,
            **({"owner": upload.owner} if upload.owner else {}),
            **({"ignore": list(map(escape, upload.ignore))} if upload.ignore else {}),
            **({"on_change": _plain_reaction(upload.on_change)} if upload.on_change else {}),
        }

    def _take(self, sandbox: Sandbox, upload: Upload, file: UploadFile, source: str) -> None:
        place = _place(upload, file)
        what = f"uploads.{place}"
        if file.kind == "link":
            self._note(sandbox, what, f"it is a link to {file.link}; make it again if it is needed")
        elif file.kind == "folder" and not any(other.path.startswith(f"{file.path}/") for other in upload.files):
            self._note(sandbox, what, "an empty folder cannot be kept in git; make it again if it is needed")
        if file.kind != "file":
            return
        found = self._contents.get((sandbox.name, place))
        if found is None or isinstance(found, str):
            self._note(sandbox, what, found or "it is not there any more")
            return
        data, digest = found
        if digest != file.digest:
            self._note(sandbox, what, "it was changed by hand; what is there now was taken")
        if file.path and file.mode not in (0o644, 0o755):
            self._note(sandbox, what, f"its mode {file.mode:04o} is none that git keeps")
        self.files[f"{source}/{file.path}" if file.path else source] = File(
            data=data, executable=bool(file.mode & 0o100)
        )

    def _locks(self, sandbox: Sandbox) -> dict[str, Any]:
        return {
            chosen.manager: locked
            for chosen in sandbox.packages
            if chosen.lock_name and (locked := self._lock(sandbox, chosen))
        }

    def _lock(self, sandbox: Sandbox, chosen: PackageSet) -> dict[str, Any] | None:
        prefix = f"{self._stack.name}.files/{sandbox.group}.packages"
        for file in chosen.lock_files:
            if file.kind != "file":
                self._note(sandbox, f"packages.{chosen.manager}", f"make the link {file.path} to {file.link} anew")
                continue
            content = self._contents.get((sandbox.name, _place_lock(sandbox, file)))
            if content is None or isinstance(content, str):
                reason = f"{content or f'{file.path} is not in the sandbox'}; write it by hand"
                self._note(sandbox, f"packages.{chosen.manager}", reason)
                return None
            self.files[f"{prefix}/{file.path}"] = File(data=content[0], executable=bool(file.mode & 0o100))
        if chosen.fixed:
            self._note(
                sandbox,
                f"packages.{chosen.manager}",
                f"a list that nexus.lock fixed; {chosen.lock_name} stands for both",
            )
        return {"from": f"./{prefix}/{chosen.lock_name}", **plain_options(chosen)}

    def _note(self, sandbox: Sandbox, what: str, reason: str) -> None:
        self._leftovers.add(f"{sandbox.group}.{what}", reason)


def _select_fitting(templates: Mapping[str, Template], stack: Stack) -> Iterator[tuple[str, Template]]:
    """The built-in templates that can have brought what is recorded: one's own may have the same name."""
    for name, template in templates.items():
        if all(_fits(template, sandbox) for sandbox in stack.sandboxes.values() if sandbox.template == name):
            yield name, template


def _fits(template: Template, sandbox: Sandbox) -> bool:
    """Whether `sandbox` has everything that comes with `template` and cannot be switched off."""
    said = plain_sandbox(sandbox, template)
    brought = {key: value for key, value in template.defaults.items() if key not in _beside(sandbox)}
    whole = all(key in said for key in brought)
    merged = all(brought.get(key, {}).keys() <= said.get(key, {}).keys() for key in ("env", "metadata"))
    return whole and merged and all(_has_package(sandbox, text) for text in template.defaults.get("packages", ()))


def _beside(sandbox: Sandbox) -> frozenset[str]:
    """What `plain_sandbox` does not say or says key by key, and what a task does not take from its template."""
    uploads = {"uploads"} if sandbox.uploads else set()
    return frozenset(
        {"packages", "resources", *uploads, *(("health", "ports", "restart") if sandbox.kind == "task" else ())}
    )


def _has_package(sandbox: Sandbox, text: str) -> bool:
    """Whether `text`, a package as npm's are written in a list, is in; a lock that stands alone may bring it."""
    alone = any(chosen.lock_name and not chosen.packages for chosen in sandbox.packages)
    names = {package.name for chosen in sandbox.packages for package in chosen.packages}
    return alone or text in names or text.rpartition("@")[0] in names


def _quote(text: str) -> str:
    """`text` as a value in a file of variables."""
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        text = text.replace(plain, escaped)
    return f'"{text}"'


def _place_lock(sandbox: Sandbox, file: UploadFile) -> str:
    """Where a manager that keeps its lock file has it."""
    return f"{(sandbox.working_dir or '').rstrip('/')}/{file.path}"


def _plain_reaction(reaction: Reaction) -> Any:
    if reaction.restart:
        return "restart"
    return {"signal": reaction.signal} if reaction.signal else {"exec": plain_command(reaction.command)}


def _first_of_groups(stack: Stack) -> list[Sandbox]:
    first: dict[str, Sandbox] = {}
    for sandbox in stack.sandboxes.values():
        first.setdefault(sandbox.group, sandbox)
    return list(first.values())


def _place(upload: Upload, file: UploadFile) -> str:
    return f"{upload.target.rstrip('/')}/{file.path}" if file.path else upload.target


def _secrets(stack: Stack, leftovers: Leftovers) -> dict[str, Any]:
    """A record knows that there is a secret, not where it comes from."""
    names = [name for name in _secret_names(stack) if not sensitive_variable(name)]
    for name in names:
        leftovers.add(
            f"secrets.{name}", "nobody recorded where it comes from; a variable of your environment stands here"
        )
    return {name: {"env": fit_name(name).upper().replace("-", "_")} for name in names}


def _variables(stack: Stack, leftovers: Leftovers) -> dict[str, Any]:
    """What was the value of a sensitive variable or parameter is one of a variable again, and nobody recorded it."""
    found = {name: variable for name in _secret_names(stack) if (variable := sensitive_variable(name))}
    for name, variable in found.items():
        known = name == f"var.{variable}"
        other = "" if known else f"; the record calls it {name}, so the first apply replaces the sandbox"
        leftovers.add(
            f"variables.{variable}",
            f"it is sensitive, and nobody recorded its value: give it, for example as NEXUS_VAR_{variable}{other}",
        )
    return {variable: {"sensitive": True} for variable in found.values()}


def _secret_names(stack: Stack) -> list[str]:
    return sorted(
        {use.secret for sandbox in stack.sandboxes.values() for use in list_uses(sandbox.env, sandbox.secrets)}
    )
