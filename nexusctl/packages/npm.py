"""npm: packages go into `node_modules` of the working folder, where `import` and `require` find them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from posixpath import dirname
from types import MappingProxyType

from nexusctl.model.lockfile import BELOW
from nexusctl.model.uploads_and_packages import Package, PackageSet
from nexusctl.model.values.late_regex import late_regex
from nexusctl.packages import guard
from nexusctl.packages.base import ALTERED_HINT, NEEDS_COMPILER, Blame, LockForm, SettingsFile, by_name, pick, shell
from nexusctl.packages.npm_scripts import FETCH, FIND, PROMISED, RUN, SETTLE, VERSION_OF, WALK
from nexusctl.packages.npm_settings import NPMRC

# What is built from source needs Node's header files, which node-gyp would fetch from a site of its own. They lie
# beside an official Node, or in the package of its version.
_HEADERS = r"""
fetch_headers() {
  if command -v make >/dev/null && command -v node >/dev/null && [ -z "${npm_config_nodedir:-}" ]; then
    beside=$(node -p 'path.dirname(path.dirname(fs.realpathSync(process.execPath)))')
    if [ -e "$beside/include/node/node.h" ]; then return; fi
    mkdir -p "$1"
    if (
      package=$(node -p '`node-${process.platform}-${process.arch}@${process.versions.node}`')
      cd "$1"
      "$2" pack --silent "$package"
      tar -xzf ./*.tgz --strip-components=1 --no-same-owner package/include
    ) >/dev/null 2>&1; then rm -f "$1"/*.tgz; else rm -rf "$1"; fi
  fi
}
"""
_USE_HEADERS = """
headers=$(mktemp -d)
fetch_headers "$headers" npm
if [ -e "$headers/include" ]; then export npm_config_nodedir="$headers"; fi
"""
# Without a package.json of its own npm installs into the nearest folder above that has one.
_INSTALL = """
ignored=$1 command=$2
shift 2
scripts=$(mktemp) before=$(mktemp)
[ "$command" = ci ] || [ -e package.json ] || echo '{"private": true}' > package.json
case $ignored in
  all) set -- --ignore-scripts "$@" ;;
esac
case $ignored in
  all | "[]") npm "$command" --no-audit --no-fund --loglevel=http "$@" ;;
  *)
    [ "$command" = ci ] || find_scripts "$command" | sort >"$before"
    npm "$command" --ignore-scripts --no-audit --no-fund --loglevel=http "$@"
    find_scripts "$command" | sort | comm -13 "$before" - >"$scripts"
    run_scripts
    ;;
esac
ask_promised "$command" "$@"
rm -f "$before" "$scripts"
"""
_INSTALL_ALL = FIND + RUN + PROMISED + _HEADERS + _USE_HEADERS + _INSTALL
_CHANGE_LOCK = (
    FIND
    + RUN
    + PROMISED
    + _HEADERS
    + _USE_HEADERS
    + f"""
install() {{ ( {_INSTALL} ) }}
"""
    + """
stage=$1 ignored=$2 options=$3
shift 3
if [ -e .npmrc ]; then cp .npmrc "$stage"; fi
(cd "$stage" && install "$ignored" ci $options)
mkdir -p "$stage/node_modules"
if [ -e node_modules ]; then mv node_modules "$stage/former"; fi
mv "$stage/node_modules" node_modules
for file do
  folder=${file%/*}
  if [ "$folder" = "$file" ]; then
    cmp -s "$stage/$file" "$file" || mv -f "$stage/$file" "$file"
    continue
  fi
  mkdir -p "$folder"
  cmp -s "$stage/$file" "$file" || cp -p "$stage/$file" "$file"
  if [ "${file##*/}" = package.json ]; then
    # What npm and the scripts have made there; what is uploaded stays.
    rm -rf "$folder/node_modules"
    cp -an "$stage/$folder/." "$folder/"
  fi
done
rm -rf "$stage"
"""
)
# What lies below another package and is in no lock, npm does not remove by its name.
_REMOVE = """
left=$1
shift
while [ "$left" -gt 0 ]; do
  rm -rf -- "$1"
  shift
  left=$((left - 1))
done
[ $# -eq 0 ] || exec npm uninstall --no-audit --no-fund "$@"
"""
# What lies deeper than the first level is called by its place, because the same name may lie elsewhere in another
# version.
_LIST = (
    WALK
    + rf"""
walk("node_modules", [], (path, above, name) => {{
  const place = [...above, name].join("{BELOW}"), version = versionOf(path);
  console.log(version ? `${{place}}==${{version}}` : place);
}});
"""
)
# What a lock fixes lies at the first level too, where `npm ls` shows only what was asked for, and deeper; the answer
# is alike.
_LIST_FIXED = (
    WALK
    + rf"""
const found = process.argv.slice(1).map(name => [name, {{ version: versionOf(`node_modules/${{name}}`) }}]);
walk("node_modules", [], (path, above, name) => {{
  if (above.length) found.push([[...above, name].join("{BELOW}"), {{ version: versionOf(path) }}]);
}});
"""
    + r"""
console.log(JSON.stringify({ dependencies: Object.fromEntries(found.filter(([, entry]) => entry.version)) }));
"""
)
# npm takes ten times as long to start as what it runs on. `npm ls` says what the package.json of the working folder
# names, and that may be a file of the sandbox's own.
# Without npm nothing could be put right.
_ASK = """
command -v npm >/dev/null || { echo "npm is not there"; exit 127; }
list=$1
shift
exec node -e "$list" "$@"
"""
_LIST_NAMED = (
    VERSION_OF
    + r"""
const found = process.argv.slice(1).map(name => [name, { version: versionOf(`node_modules/${name}`) }]);
console.log(JSON.stringify({ dependencies: Object.fromEntries(found.filter(([, entry]) => entry.version)) }));
"""
)
# Without addresses of the index that it was made with, made anew where npm was told to keep none, and without what npm
# writes there for people.
_FREEZE = """
said=$(npm install --package-lock-only --package-lock=true --omit-lockfile-registry-resolved --ignore-scripts \
  --no-audit --no-fund 2>&1) || { echo "$said"; exit 1; }
exec node -e '
const read = name => JSON.parse(require("fs").readFileSync(name, "utf8"));
const lean = found => {
  for (const entry of Object.values(found.packages || {})) for (const word of words) delete entry[word];
  return found;
};
const words = ["license", "funding", "deprecated"];
console.log(JSON.stringify(Object.fromEntries(process.argv.slice(1).map(name => [name, lean(read(name))]))));
' package.json package-lock.json
"""
_CULPRITS = (
    late_regex(r"404\s+'(?P<package>[^']+?)(?:@[^@']*)?' is not in (?:this|the npm) registry"),
    late_regex(r"No matching version found for (?P<package>@?[^@\s]+@\S+?)\.?$", re.MULTILINE),
    late_regex(r"npm (?:ERR!|error) path \S*?/node_modules/(?P<package>(?:@[^/\s]+/)?[^/\s]+)$", re.MULTILINE),
)
_PROMISED = late_regex(r"npm error promised (?P<package>\S+) is not there")
# npm names the exit code of a script in the place of a code of its own.
_OWN_SCRIPT = late_regex(r"^npm (?:ERR!|error) code (?:\d+|ELIFECYCLE)\s*$", re.MULTILINE)
_SCRIPT_HINT = "its own install script failed: see the first error above"
_BUILD_HINTS = (
    (
        late_regex(
            r"find Python|not found: make|(?:make|g\+\+|c\+\+|gcc|cc): (?:command |No such|not found)"
            r"|(?:python3?|make|g\+\+): not found|ENOENT.*(?:make|g\+\+)"
        ),
        NEEDS_COMPILER,
    ),
    (
        late_regex(r"gyp.*(?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ECONNRESET|getaddrinfo|CERT|FetchError)"),
        "node-gyp cannot fetch Node's header files; with `apt: [build-essential]` they come with npm's packages",
    ),
)
_UNFIT_HINT = (
    "run `npm install` beside the lock file, so that it agrees with package.json again; "
    "`nexusctl lock --update` makes nexus.lock anew"
)


class Npm:
    name = "npm"
    pattern = late_regex(
        r"(?P<name>(?:@[a-z0-9~][\w.~-]*/)?[A-Za-z0-9~][\w.~-]*)(?:@(?P<version>[\^~<>=*\w][\w.^~<>=*+-]*))?\Z",
        re.ASCII,
    )
    joint = "@"
    exactly = ""
    example = "`express@^4.19`"
    locks: tuple[str, ...] | None = ("package-lock.json", "npm-shrinkwrap.json")
    lock_beside = "package.json"
    lock_form: LockForm = "package-lock"
    lock_along: tuple[str, ...] = ()
    lock_elsewhere: re.Pattern[str] | None = None
    follows_locks = True
    site = "node_modules"
    writes: tuple[str, ...] = ("package.json", "package-lock.json", "npm-shrinkwrap.json")
    built_with: tuple[str, ...] = ("python3",)
    cache = "npm_config_cache"
    env: Mapping[str, str] = MappingProxyType(
        {
            "npm_config_update_notifier": "false",
            "npm_config_logs_max": "0",
            "npm_config_progress": "false",
            # npm waits five minutes for a download that has stalled before it asks again.
            "npm_config_fetch_timeout": "60000",
            "npm_config_fetch_retries": "4",
        }
    )
    index_addresses: tuple[str, ...] = ("npm_config_registry",)
    index_options: tuple[str, ...] = ("npm_config_strict_ssl",)
    settings_file: SettingsFile | None = NPMRC
    noise: re.Pattern[str] | None = late_regex(
        r"complete log of this run|Log files were not written|^npm (?:notice|http )|^npm (?:ERR!|error)\s*$"
    )
    error_prefix: re.Pattern[str] | None = late_regex(r"^npm (?:ERR!|error)\s*(?:code|path|command|errno|syscall)?\b")
    stands_for: Mapping[str, str] = MappingProxyType({"node": "", "yarn": ""})
    builds_others = False
    keeps_lock = True
    nests = True
    fetches_into_place = True

    def spell(self, variable: str) -> str:
        return variable.lower()

    def carried(self, room: str) -> dict[str, str]:
        return {self.cache: f"{room}/cache/{self.name}", "npm_config_prefer_offline": "true"}

    def install(self, packages: PackageSet, lock_path: str = "") -> tuple[str, ...]:
        return shell(_INSTALL_ALL, _ignored(packages), *_asked(packages))

    def fetch(self, packages: PackageSet, place: str, lock_path: str = "") -> tuple[str, ...]:
        return shell(FIND + PROMISED + _HEADERS + FETCH, place, guard.NODE, _ignored(packages), *_asked(packages))

    def settle(self, packages: PackageSet, place: str, lock_path: str = "", *, alone: bool = False) -> tuple[str, ...]:
        return shell(RUN + PROMISED + SETTLE, place)

    def missing(self, output: str) -> Package | None:
        return None

    def query(self, packages: PackageSet) -> tuple[str, ...]:
        if packages.fixed:
            return ("node", "-e", _LIST_FIXED, *(package.name for package in packages.packages))
        if packages.packages:
            return shell(_ASK, _LIST_NAMED, *(package.name for package in packages.packages))
        # It exits with 1 where a peer dependency is unmet, and answers nevertheless.
        return shell("npm ls --json --depth=0 --silent || true")

    def read(self, answer: str, packages: PackageSet) -> tuple[Package, ...]:
        found = json.loads(answer).get("dependencies", {})
        wanted = {package.name for package in packages.packages} or set(found)
        if packages.fixed:
            wanted.update(name for name in found if BELOW in name)
        return by_name(
            [Package(name=n, version=d["version"]) for n, d in found.items() if n in wanted and "version" in d]
        )

    def inventory(self) -> tuple[str, ...]:
        return ("node", "-e", _LIST)

    def find(self, inventory: str, packages: PackageSet) -> tuple[Package, ...] | None:
        if packages.lock_name:
            return None
        return pick(inventory, packages, lambda name: name)

    def roots(self) -> tuple[str, ...]:
        return ()

    def change(self, wanted: PackageSet, changed: Sequence[Package], lock_path: str = "") -> tuple[str, ...]:
        if wanted.lock_name:
            files = (file.path for file in wanted.lock_files)
            return shell(_CHANGE_LOCK, dirname(lock_path), _ignored(wanted), " ".join(_options(wanted)), *files)
        return self.install(replace(wanted, packages=tuple(changed)))

    def remove(self, wanted: PackageSet, names: Sequence[str]) -> tuple[str, ...]:
        below = [name for name in names if BELOW in name]
        others = [name for name in names if BELOW not in name]
        # npm would bring what it omitted before.
        options = (*_options(wanted), *_no_scripts(wanted)) if others else ()
        return shell(_REMOVE, str(len(below)), *map(_folder, below), *options, *others)

    def pin(self, name: str, version: str) -> Package:
        return Package(name=name, version=version)

    def freeze(self) -> tuple[str, ...]:
        return shell(_FREEZE)

    def explain(self, output: str) -> Blame:
        if _OWN_SCRIPT.search(output):
            return _explain_script(output)
        if match := _PROMISED.search(output):
            return Blame(package=match["package"], hint=_UNFIT_HINT, certain=True)
        for pattern in _CULPRITS:
            if match := pattern.search(output):
                return Blame(package=match["package"], hint="see `npm view NAME versions` for what there is")
        if "EINTEGRITY" in output:
            return Blame(hint=ALTERED_HINT)
        if "npm ci" in output and "in sync" in output:
            return Blame(hint=_UNFIT_HINT)
        return Blame()


def _explain_script(output: str) -> Blame:
    """The index has given all that was asked of it: what failed is what a package does when it is installed."""
    match = _CULPRITS[-1].search(output)
    hint = next((words for pattern, words in _BUILD_HINTS if pattern.search(output)), _SCRIPT_HINT)
    return Blame(package=match["package"] if match else "", hint=hint, certain=True)


def _asked(packages: PackageSet) -> tuple[str, ...]:
    """npm's command with what it gets."""
    if packages.lock_name:
        return "ci", *_options(packages)
    names = (f"{p.name}@{p.version}" if p.version else p.name for p in packages.packages)
    return "install", *_options(packages), *names


def _ignored(packages: PackageSet) -> str:
    """The packages whose scripts do not run, as JSON; `all` for whichever."""
    return "all" if packages.ignore_scripts is True else json.dumps(list(packages.ignore_scripts or ()))


def _no_scripts(packages: PackageSet) -> tuple[str, ...]:
    return ("--ignore-scripts",) if packages.ignore_scripts else ()


def _options(packages: PackageSet) -> tuple[str, ...]:
    return tuple(f"--omit={kind}" for kind in packages.omit)


def _folder(place: str) -> str:
    """Where the package of a place lies, from the folder where the sandbox works."""
    return "/".join(f"node_modules/{name}" for name in place.split(BELOW))
