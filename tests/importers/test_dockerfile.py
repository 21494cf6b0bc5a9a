"""What the lines of a Dockerfile come to: packages, uploads, users; and what is listed instead."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nexusctl.errors import InputError
from nexusctl.importers.dockerfile.dockerfile import BuiltImage, read_dockerfile
from nexusctl.importers.draft.draft import Leftovers
from nexusctl.model.trust import OURS

LOCK = {"package.json": '{"dependencies": {"ms": "^2"}, "devDependencies": {"tap": "1"}}', "package-lock.json": "{}"}
WITHOUT_LOCK = {"package.json": LOCK["package.json"]}
REQUIREMENTS = {"requirements.txt": "flask\n", "deploy/prod.txt": "flask\n"}

INSTALLS: list[tuple[str, dict[str, str], dict[str, Any]]] = [
    (("RUN apt-get update && apt-get install -y --no-install-recommends curl git=1:2.39 "
     "&& rm -rf /var/lib/apt/lists/*"),
     {}, {"apt": ["curl", "git=1:2.39"]}),
    (("RUN set -eux; \\\n  apt-get update; \\\n  # why\n  apt-get install -qq --yes "
     "--no-install-recommends \\\n    curl \\\n    jq \\\n  ; apt-get clean"),
     {}, {"apt": ["curl", "jq"]}),
    ("ENV V=jq\nRUN DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $V", {}, {"apt": ["jq"]}),
    ('RUN ["apt-get", "install", "-y", "--no-install-recommends", "jq"]', {}, {"apt": ["jq"]}),
    ("RUN pip install --no-cache-dir 'flask>=3,<4' gunicorn==20.0", {}, {"pip": ["flask>=3,<4", "gunicorn==20.0"]}),
    ("RUN python -m pip install -U flask\nRUN pip3 install flask==3.0", {}, {"pip": ["flask==3.0"]}),
    ("WORKDIR /srv\nCOPY requirements.txt .\nRUN pip install -r requirements.txt", REQUIREMENTS,
     {"pip": {"from": "requirements.txt"}}),
    ("COPY deploy /tmp/deploy\nRUN cd /tmp && pip install --requirement=deploy/prod.txt", REQUIREMENTS,
     {"pip": {"from": "deploy/prod.txt"}}),
    (("WORKDIR /app\nRUN --mount=type=cache,target=/root/.cache "
     "--mount=type=bind,source=requirements.txt,target=requirements.txt "
     "pip install -r requirements.txt"),
     REQUIREMENTS, {"pip": {"from": "requirements.txt"}}),
    ("WORKDIR /app\nCOPY package*.json ./\nRUN npm ci --omit=dev && npm cache clean --force\nCOPY . .", LOCK,
     {"npm": {"from": "package-lock.json", "omit": ["dev"]}}),
    ("WORKDIR /app\nENV NODE_ENV=production\nCOPY . .\nRUN npm ci --ignore-scripts", LOCK,
     {"npm": {"from": "package-lock.json", "ignore_scripts": True, "omit": ["dev"]}}),
    ("WORKDIR /app\nCOPY package.json .\nRUN npm install", WITHOUT_LOCK, {"npm": ["ms@^2", "tap@1"]}),
    ("WORKDIR /app\nCOPY package.json .\nRUN npm install --production", WITHOUT_LOCK, {"npm": ["ms@^2"]}),
    ("WORKDIR /app\nRUN npm install express@4", {}, {"npm": ["express@4"]}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "files", "packages"), INSTALLS, ids=[text[:40] for text, _, _ in INSTALLS])
def test_what_is_installed_are_packages(
    text: str, files: dict[str, str], packages: dict[str, Any], tmp_path: Path
) -> None:
    built, left = read(tmp_path, f"FROM debian\n{text}\n", files)
    assert (built.settings["packages"], left) == (packages, [])


LISTED: list[tuple[str, str]] = [
    ("RUN make", "RUN make"),
    ("RUN apt-get update && make -j4 && true", "RUN make -j4"),
    ("RUN curl https://example.org/x | sh", "RUN curl https://example.org/x | sh"),
    ("RUN if true; then pip install flask; fi", "RUN if true; then pip install flask; fi"),
    ("RUN apk add --no-cache curl", "RUN apk add --no-cache curl"),
    ("RUN yarn install --frozen-lockfile", "RUN yarn install --frozen-lockfile"),
    ("RUN npm install -g pm2", "RUN npm install -g pm2"),
    ("RUN pip install .", "RUN pip install ."),
    ("RUN pip install --index-url https://example.org flask", "RUN pip install --index-url https://example...."),
    ("RUN --mount=type=secret,id=t pip install flask", "RUN pip install flask"),
    ("RUN <<EOF\napt-get install -y jq\nEOF", "RUN apt-get install -y jq"),
    ("RUN apt-get install -y curl", "RUN apt-get install"),
    ("RUN pip install -r missing.txt", "RUN pip install"),
    ("WORKDIR /app\nCOPY package.json /srv/\nRUN cd /srv && npm install", "RUN npm install"),
    ("RUN mkdir -p /var/spool/x", "RUN mkdir /var/spool/x"),
    ("COPY missing.txt /srv/", "COPY missing.txt"),
    ("COPY --from=nginx:1 /etc/nginx /etc/nginx", "COPY --from=nginx:1"),
    ("COPY --chmod=u+x a.txt /srv/", "COPY --chmod=u+x"),
    ("ADD https://example.org/x.tar.gz /srv/", "ADD https://example.org/x.tar.gz"),
    ("ADD a.tar.gz /srv/", "ADD a.tar.gz"),
    ("LABEL a=b", "LABEL a=b"),
    ("MAINTAINER somebody", "MAINTAINER somebody"),
    ("ONBUILD RUN true", "ONBUILD RUN"),
    ("ENV PATH=/opt/bin:$PATH", "ENV PATH=/opt/bin:$PATH"),
    ("ENV A=${X%%.*}", "ENV A=${X%%.*}"),
    ("ARG TOKEN", "ARG TOKEN"),
    ("ENTRYPOINT [\"sh\"]", "ENTRYPOINT"),
    ("RUN useradd -m app\nUSER app", "USER app"),
    ("VOLUME data", "VOLUME data"),
    ("EXPOSE http", "EXPOSE http"),
    ("NONSENSE x", "NONSENSE x"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "what"), LISTED, ids=[text for text, _ in LISTED])
def test_what_has_no_place_is_listed_with_its_line(text: str, what: str, tmp_path: Path) -> None:
    files = {"package.json": "{}", "a.txt": "a", "a.tar.gz": "a"}
    _, left = read(tmp_path, f"FROM debian\n{text}\n", files)
    assert what in left


def test_a_stage_that_something_is_copied_from_is_listed(tmp_path: Path) -> None:
    text = "FROM golang AS build\nRUN go build\nFROM node AS unused\nRUN make\nFROM debian\nCOPY --from=build /a /a\n"
    built, left = read(tmp_path, text, {})
    assert (built.base, left) == ("debian", ["FROM golang", "COPY --from=build"])


def test_a_stage_can_be_named(tmp_path: Path) -> None:
    text = "FROM debian AS dev\nCMD dev\nFROM dev AS prod\nCMD prod\n"
    (tmp_path / "Dockerfile").write_text(text)
    named = read_dockerfile(tmp_path / "Dockerfile", Leftovers(), OURS, target="dev")
    last = read_dockerfile(tmp_path / "Dockerfile", Leftovers(), OURS)
    assert (named.command, last.command) == ("dev", "prod")


def test_a_user_that_a_command_makes_is_not_there(tmp_path: Path) -> None:
    made = "RUN groupadd -r app && useradd -r -g app app\n"
    text = f"FROM debian\n{made}COPY --chown=app:app a /srv/\nCOPY b /srv/\nUSER app\n"
    built, _ = read(tmp_path, text, {"a": "a", "b": "b"})
    assert "user" not in built.settings
    assert built.settings["uploads"] == [{"source": "a", "target": "/srv/a"}, {"source": "b", "target": "/srv/b"}]


def test_files_belong_to_root_whoever_runs_the_program(tmp_path: Path) -> None:
    text = "FROM debian\nCOPY a /srv/\nCOPY --chown=7 --chmod=755 b /srv/\nUSER 1000\n"
    built, _ = read(tmp_path, text, {"a": "a", "b": "b"})
    assert built.settings["uploads"] == [
        {"source": "a", "target": "/srv/a", "owner": "root"},
        {"source": "b", "target": "/srv/b", "owner": "7", "mode": "0755"},
    ]


def test_a_file_that_is_made_executable_is_so(tmp_path: Path) -> None:
    built, left = read(tmp_path, "FROM debian\nCOPY a /srv/\nRUN chmod +x /srv/a\n", {"a": "a"})
    assert (built.settings["uploads"], left) == ([{"source": "a", "target": "/srv/a", "mode": "0755"}], [])


def test_a_text_in_the_file_is_uploaded(tmp_path: Path) -> None:
    text = "FROM debian\nENV N=7\nCOPY <<EOF /srv/a <<-'RAW' /srv/\nn is $N\nEOF\n\tn is ${N}\nRAW\n"
    built, _ = read(tmp_path, text.replace("/srv/a <<", "<<"), {})
    assert [(upload["target"], upload["content"]) for upload in built.settings["uploads"]] == [
        ("/srv/EOF", "n is 7\n"), ("/srv/RAW", "n is $${N}\n"),
    ]  # fmt: skip


def test_what_a_stack_file_would_take_for_a_reference_is_escaped(tmp_path: Path) -> None:
    built, _ = read(tmp_path, "FROM debian\nENV A='${X}'\nCMD echo ${HOME}\nHEALTHCHECK CMD test ${A}\n", {})
    drafted = built.sandbox()
    assert (drafted["env"], drafted["command"]) == ({"A": "$${X}"}, "echo $${HOME}")
    assert drafted["health"]["command"] == "test $${A}"


def test_values_for_arguments_are_given_from_outside(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("ARG I=debian\nFROM $I\nARG V=1\nENV V=$V\n")
    built = read_dockerfile(tmp_path / "Dockerfile", Leftovers(), OURS, arguments={"I": "node", "V": "2"})
    assert (built.base, built.settings["env"]) == ("node", {"V": "2"})


def test_one_that_begins_no_image_is_refused(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("RUN true\n")
    with pytest.raises(InputError, match="begins no image"):
        read_dockerfile(tmp_path / "Dockerfile", Leftovers(), OURS)


@pytest.mark.parametrize("text", ["FROM", "FROM debian\nCOPY", "FROM debian\nENV", "FROM debian\nRUN",
    "FROM debian\nRUN \"",
    "FROM debian\nHEALTHCHECK", "FROM debian\nCMD [", "FROM debian\nRUN <<X", "FROM debian\nCOPY <<X /a",
    "FROM debian\nUSER",
    "FROM debian\nENV A=\"", "FROM debian\nARG", "FROM debian\nWORKDIR", "FROM $A", "FROM debian\nCMD \\"])  # fmt: skip
def test_a_broken_line_is_no_crash(text: str, tmp_path: Path) -> None:
    built, _ = read(tmp_path, text, {})
    assert json.dumps(built.sandbox())


def read(folder: Path, text: str, files: dict[str, str]) -> tuple[BuiltImage, list[str]]:
    """What is read, and what is listed."""
    for name, content in {**files, "Dockerfile": text}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    leftovers = Leftovers()
    built = read_dockerfile(folder / "Dockerfile", leftovers, OURS)
    return built, [left.what for left in leftovers.found]
