"""Shell functions that fail where something is not there that a manager has promised: one can end well without it."""

from __future__ import annotations

import re

# pip's own reader knows what a requirement means. Without a name it has an address, which pip notes down beside what
# came from there. What another folder brings counts as for pip.
_PYTHON = r"""
import json, os, site, sys
try:
    from importlib import metadata
    from pip._vendor.packaging.requirements import InvalidRequirement, Requirement
    from pip._vendor.packaging.utils import canonicalize_name
except ImportError:
    sys.exit(0)
sys.path += os.environ.get("PYTHONPATH", "").split(":") + [site.getusersitepackages()]
there = {canonicalize_name(found.metadata["Name"] or ""): found for found in metadata.distributions()}
def address(found):
    return json.loads(found.read_text("direct_url.json") or "{}").get("url", "")
def lines(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        text = file.read().replace("\\\n", "")
    for line in text.splitlines():
        line = os.path.expandvars((" " + line).split(" #")[0]).strip()
        option, _, other = line.replace("=", " ", 1).partition(" ")
        if option in ("-r", "--requirement"):
            yield from lines(os.path.join(os.path.dirname(path), other.strip()))
        elif option in ("-e", "--editable"):
            yield other.strip()
        elif line and not line.startswith("-"):
            yield line.split(" --")[0].strip()
def asked(words):
    while words:
        word = words.pop(0)
        if word == "-r":
            yield from lines(words.pop(0))
        elif word == "--find-links":
            words.pop(0)
        elif not word.startswith("-"):
            yield word
def is_there(text):
    try:
        wanted = Requirement(text)
    except InvalidRequirement:
        name = os.path.basename(text)
        if name.endswith(".whl"):
            return canonicalize_name(name.split("-")[0]) in there
        if "://" in text or not os.path.exists(text):
            return True
        return "file://" + os.path.abspath(text) in [address(found) for found in there.values()]
    if wanted.marker and not wanted.marker.evaluate({"extra": ""}):
        return True
    found = there.get(canonicalize_name(wanted.name))
    return bool(found) and (bool(wanted.url) or wanted.specifier.contains(found.version, prereleases=True))
for text in asked(sys.argv[1:]):
    if not is_there(text):
        print(f"promised {text.split()[0]} is not there", file=sys.stderr)
        sys.exit(1)
"""

OF_PYTHON = f"""
promised='{_PYTHON}'
ask_promised() {{ "$python" -I -c "$promised" "$@"; }}
"""
"""Its arguments are those of `pip install`, and `$python` is the one that has pip."""

# A package that only others provide has no name of its own there.
OF_DEBIAN = r"""
ask_promised() {
  for word do
    name=${word%%=*}
    dpkg-query -W -f '${db:Status-Status}\n' "$name" 2>/dev/null | grep -qx installed && continue
    dpkg-query -W -f '${db:Status-Status},${Provides}\n' | sed -n 's/^installed,//p' | tr ',' '\n' |
      sed 's/^ *//; s/[ :].*//' | grep -qxF -e "${name%%:*}" && continue
    echo "promised $word is not there" >&2
    return 1
  done
}
"""
"""Its arguments are packages as apt-get takes them."""

# The words of a wish may be left out.
OF_PNPM = r"""
ask_promised() {
  node -e '
const [command, ...words] = process.argv.slice(1), fs = require("fs");
const said = JSON.parse(fs.readFileSync("package.json", "utf8"));
const names = command === "add"
  ? words.filter(word => !word.startsWith("-")).map(word => word.replace(/(.)@.*$/, "$1"))
  : Object.keys({ ...said.dependencies, ...said.devDependencies })
      .filter(name => !Object.hasOwn(said.optionalDependencies || {}, name));
for (const name of names) {
  if (!fs.existsSync(`node_modules/${name}/package.json`)) {
    console.error(`promised ${name} is not there`);
    process.exitCode = 1;
  }
}' "$@"
}
"""
"""Its arguments are pnpm's own, and it looks into the working folder."""

BROKEN = re.compile(r"^(?:npm error )?promised (?P<package>\S+) is not there$", re.MULTILINE)
"""What all of them say."""

BROKEN_HINT = "its manager ended as if all were well: see what its settings in the image, or the lines above, say of it"
