"""pnpm: as npm, but with its own lock, and with no script of a package that the package.json does not allow.

Packages lie flat in `node_modules`, as npm lays them, so that what is there can be compared place by place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from posixpath import dirname
from types import MappingProxyType

from nexusctl.model.lockfile import BELOW
from nexusctl.model.uploads_and_packages import Package, PackageSet
from nexusctl.model.values.late_regex import late_regex
from nexusctl.packages import guard
from nexusctl.packages.base import ALTERED_HINT, Blame, shell
from nexusctl.packages.npm import Npm
from nexusctl.packages.npm_scripts import FIND, VERSION_OF
from nexusctl.packages.promised import BROKEN, BROKEN_HINT, OF_PNPM

VERSION = "10.12.1"
"""The one that comes where an image has none, and the package.json names none as its `packageManager`."""

_BRING = f"""
export npm_config_cache_dir="${{npm_config_store_dir:-$(mktemp -d)}}/metadata"
bring_pnpm() {{
  if command -v pnpm >/dev/null; then return; fi
  command -v npm >/dev/null || {{ echo "pnpm is not there, and neither is npm, which would bring it"; exit 127; }}
  version=$(node -p '/^pnpm@([0-9]+[.][0-9]+[.][0-9]+)/.exec(JSON.parse(fs.readFileSync("package.json", "utf8"))
    .packageManager)[1]' 2>/dev/null || echo {VERSION})
  npm install --global --ignore-scripts --no-audit --no-fund --loglevel=http --cache "$(mktemp -d)" "pnpm@$version"
}}
"""
_BEGIN = """
[ "$1" = install ] || [ -e package.json ] || echo '{"private": true}' > package.json
"""
# It notes where its store was, and refuses to work with another one later. This one goes; a user's own is to do.
_FORGET = """
forget_store() {
  [ -e node_modules/.modules.yaml ] || return 0
  store=$(env -u npm_config_store_dir pnpm store path)
  node -e '
const path = "node_modules/.modules.yaml", said = fs.readFileSync(path, "utf8");
const store = JSON.stringify(process.argv[1]);
fs.writeFileSync(path, said.replace(/^(\\s*"?storeDir"?: *).*?(,?)$/m, (_, before, after) => before + store + after));
' "$store"
}
"""
_PREPARE = _BRING + _FORGET + OF_PNPM
_INSTALL = f"""
bring_pnpm
{_BEGIN}
pnpm "$@"
ask_promised "$@"
forget_store
"""
_FETCH = f"""
place=$1 guard=$2 ignored=$3 command=$4
shift 4
mkdir -p "$place"
printf %s "$guard" >"$place/guard.js"
export NODE_OPTIONS="--require=$place/guard.js"
bring_pnpm
{_BEGIN}
pnpm "$@" --ignore-scripts
unset NODE_OPTIONS
ask_promised "$@"
[ "$ignored" = all ] || find_scripts "$command" >"$place/scripts"
if [ ! -s "$place/scripts" ]; then forget_store; exit 0; fi
printf %s "$npm_config_store_dir" >"$place/store"
printf '%s\\n' "$@" >"$place/asked"
exit {guard.LEFT}
"""
# It asks for the store that the packages came from, and needs nothing of it.
_SETTLE = """
scripts=$1/scripts
export npm_config_store_dir="$(cat "$1/store")"
run_own() {
  for event do
    if grep -qx "own $event" "$scripts"; then pnpm run "$event"; fi
  done
}
run_own preinstall
pnpm rebuild
run_own install postinstall prepublish preprepare prepare postprepare
forget_store
# A script may have taken something away.
IFS="
"
set -f
ask_promised $(cat "$1/asked")
"""
# All is made beside what is there, so that programs find the one or the other, and nothing that nobody asked for stays.
_SWAP = """
mkdir -p "$stage/node_modules"
if [ -e node_modules ]; then mv node_modules "$stage/former"; fi
mv "$stage/node_modules" node_modules
for file in package.json pnpm-lock.yaml pnpm-workspace.yaml; do
  [ ! -e "$stage/$file" ] || cmp -s "$stage/$file" "$file" || mv -f "$stage/$file" "$file"
done
rm -rf "$stage"
forget_store
"""
_COPY = """
bring_pnpm
for file in .npmrc package.json pnpm-lock.yaml pnpm-workspace.yaml; do [ ! -e "$file" ] || cp "$file" "$stage"; done
"""
_CHANGE_LOCK = f"""
stage=$1
shift
bring_pnpm
[ ! -e .npmrc ] || cp .npmrc "$stage"
(cd "$stage" && pnpm "$@" && ask_promised "$@")
{_SWAP}
"""
_CHANGE_LIST = f"""
stage=$(mktemp -d)
{_COPY}
(cd "$stage" && {{ {_BEGIN} pnpm "$@" && ask_promised "$@"; }})
{_SWAP}
"""
_REMOVE = f"""
stage=$(mktemp -d) scripts=$1
shift
{_COPY}
set -- $(node -p '
const said = JSON.parse(fs.readFileSync("package.json", "utf8"));
const known = {{ ...said.dependencies, ...said.devDependencies, ...said.optionalDependencies }};
process.argv.slice(1).filter(name => Object.hasOwn(known, name)).join(" ")' "$@")
(cd "$stage" && if [ $# -eq 0 ]; then pnpm install --frozen-lockfile $scripts; else pnpm remove $scripts "$@"; fi)
{_SWAP}
"""
_SHOW = """
console.log(JSON.stringify({ dependencies: Object.fromEntries(names
  .map(name => [name, { version: versionOf(`node_modules/${name}`) }])
  .filter(([, entry]) => entry.version)) }));
"""
_LIST_NAMED = VERSION_OF + "const names = process.argv.slice(1);" + _SHOW
_LIST_ASKED = (
    VERSION_OF
    + """
const said = JSON.parse(fs.readFileSync("package.json", "utf8"));
const names = Object.keys({ ...said.dependencies, ...said.devDependencies, ...said.optionalDependencies });
"""
    + _SHOW
)
_LIST_ALL = (
    VERSION_OF
    + """
const read = path => { try { return fs.readdirSync(path).filter(name => name[0] !== "."); } catch { return []; } };
const names = read("node_modules").flatMap(name =>
  name[0] === "@" ? read(`node_modules/${name}`).map(below => `${name}/${below}`) : [name]);
"""
    + _SHOW
)
_CULPRITS = (
    late_regex(r"^(?P<package>\S+) is not in the npm registry", re.MULTILINE),
    late_regex(r"No matching version found for (?P<package>@?[^@\s]+@\S+)"),
)
_NO_PNPM = late_regex(r"404\s+'pnpm@[^']*' is not in (?:this|the npm) registry")
_UNFIT_HINT = "run `pnpm install` beside the lock file, so that it agrees with package.json again"


class Pnpm(Npm):
    name = "pnpm"
    stands_for: Mapping[str, str] = MappingProxyType({})
    locks: tuple[str, ...] | None = ("pnpm-lock.yaml",)
    lock_form = "alone"
    lock_along: tuple[str, ...] = ("pnpm-workspace.yaml",)
    lock_elsewhere = late_regex(
        r"^\s+(?:version|specifier|resolution|tarball): *\{?\s*(?:directory: |tarball: )?['\"]?"
        r"(?P<what>(?:link|file|workspace):[^\s'\",}]*)"
        r"|^(?P<section>patchedDependencies):"
        r"|^importers:\n(?:(?: .*)?\n)*?  (?P<folder>(?!\.:)[^\s:'\"][^:\n]*):",
        re.MULTILINE,
    )
    writes: tuple[str, ...] = ("package.json", "pnpm-lock.yaml", "pnpm-workspace.yaml")
    cache = "npm_config_store_dir"
    env: Mapping[str, str] = MappingProxyType(
        {
            **Npm.env,
            "npm_config_node_linker": "hoisted",
            # A store lies on another volume, and goes.
            "npm_config_package_import_method": "copy",
            "npm_config_manage_package_manager_versions": "false",
            "npm_config_enable_pre_post_scripts": "false",
            "npm_config_reporter": "append-only",
        }
    )

    def carried(self, room: str) -> dict[str, str]:
        return {self.cache: f"{room}/cache/{self.name}", "npm_config_prefer_offline": "true"}

    def install(self, packages: PackageSet, lock_path: str = "") -> tuple[str, ...]:
        return shell(_PREPARE + _INSTALL, *_asked(packages), *_no_scripts(packages))

    def fetch(self, packages: PackageSet, place: str, lock_path: str = "") -> tuple[str, ...]:
        ignored, command = "all" if packages.ignore_scripts else "[]", "ci" if packages.lock_name else "install"
        return shell(FIND + _PREPARE + _FETCH, place, guard.NODE, ignored, command, *_asked(packages))

    def settle(self, packages: PackageSet, place: str, lock_path: str = "", *, alone: bool = False) -> tuple[str, ...]:
        return shell(_FORGET + OF_PNPM + _SETTLE, place)

    def query(self, packages: PackageSet) -> tuple[str, ...]:
        if packages.packages:
            return ("node", "-e", _LIST_NAMED, *(package.name for package in packages.packages))
        return ("node", "-e", _LIST_ASKED if packages.lock_name else _LIST_ALL)

    def change(self, wanted: PackageSet, changed: Sequence[Package], lock_path: str = "") -> tuple[str, ...]:
        if wanted.lock_name:
            return shell(_PREPARE + _CHANGE_LOCK, dirname(lock_path), *_asked(wanted), *_no_scripts(wanted))
        asked = PackageSet(manager="pnpm", packages=tuple(changed))
        return shell(_PREPARE + _CHANGE_LIST, *_asked(asked), *_no_scripts(wanted))

    def remove(self, wanted: PackageSet, names: Sequence[str]) -> tuple[str, ...]:
        """What lies below others goes with what it lies in, which is made anew."""
        others = [name for name in names if BELOW not in name]
        return shell(_BRING + _FORGET + _REMOVE, " ".join(_no_scripts(wanted)), *others)

    def freeze(self) -> tuple[str, ...]:
        return ()

    def explain(self, output: str) -> Blame:
        if _NO_PNPM.search(output):
            return Blame(package="pnpm", hint="the package index has no pnpm: take an image that has it", certain=True)
        if match := BROKEN.search(output):
            return Blame(package=match["package"], hint=BROKEN_HINT, certain=True)
        for pattern in _CULPRITS:
            if match := pattern.search(output):
                return Blame(package=match["package"], hint="see `pnpm view NAME versions` for what there is")
        if "ERR_PNPM_TARBALL_INTEGRITY" in output:
            return Blame(hint=ALTERED_HINT)
        if "ERR_PNPM_OUTDATED_LOCKFILE" in output:
            return Blame(hint=_UNFIT_HINT)
        return Blame()


def _asked(packages: PackageSet) -> tuple[str, ...]:
    """pnpm's command with what it gets."""
    if packages.lock_name:
        return ("install", "--frozen-lockfile")
    return ("add", *(f"{p.name}@{p.version}" if p.version else p.name for p in packages.packages))


def _no_scripts(packages: PackageSet) -> tuple[str, ...]:
    return ("--ignore-scripts",) if packages.ignore_scripts else ()
