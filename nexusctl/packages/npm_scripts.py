"""The scripts that packages of npm run when they are installed: which there are, and how they are run afterwards."""

from __future__ import annotations

from nexusctl.packages.guard import LEFT

VERSION_OF = r"""
const fs = require("fs");
const versionOf = path => {
  try { return JSON.parse(fs.readFileSync(`${path}/package.json`, "utf8")).version || ""; } catch { return ""; }
};
"""
WALK = (
    VERSION_OF
    + r"""
const folders = path => {
  try { return fs.readdirSync(path).filter(name => !/^[.]|\s/.test(name)); } catch { return []; }
};
const isLink = path => fs.lstatSync(path).isSymbolicLink();
const walk = (folder, above, visit) => {
  for (const first of folders(folder)) {
    const names = first.startsWith("@") ? folders(`${folder}/${first}`).map(name => `${first}/${name}`) : [first];
    for (const name of names) {
      visit(`${folder}/${name}`, above, name);
      if (!isLink(`${folder}/${name}`)) walk(`${folder}/${name}/node_modules`, [...above, name], visit);
    }
  }
};
"""
)
# A line for each, as npm itself would find it. What only others' wishes need may fail. Those of the working folder's
# own package.json npm runs with a lock only.
_FIND = (
    WALK
    + r"""
const [command, said] = process.argv.slice(1), ignored = new Set(JSON.parse(said));
const read = path => { try { return JSON.parse(fs.readFileSync(path, "utf8")) || {}; } catch { return {}; } };
const known = read("node_modules/.package-lock.json").packages || {};
const events = ["preinstall", "install", "postinstall"];
walk("node_modules", [], (path, above, name) => {
  const { name: own, scripts, gypfile } = read(`${path}/package.json`), has = scripts || {};
  if (ignored.has(name) || ignored.has(own)) return;
  if (isLink(path)) {
    // A folder of the project: its scripts run as those of the project do.
    const place = fs.realpathSync(path), inside = require("path").relative(process.cwd(), place);
    if (command !== "ci" || inside.startsWith("..")) return;
    for (const event of [...events, "prepare"]) if (has[event]) console.log(`linked ${event} ${inside}`);
    return;
  }
  const gyp = gypfile !== false && !has.install && !has.preinstall && fs.existsSync(`${path}/binding.gyp`);
  if (!gyp && !events.some(event => has[event])) return;
  console.log(`${(known[path] || {}).optional ? "optional" : "required"} ${path}==${versionOf(path)}`);
});
const own = command === "ci" ? read("package.json").scripts || {} : {};
for (const event of [...events, "prepublish", "preprepare", "prepare", "postprepare"]) {
  if (own[event]) console.log(`own ${event}`);
}
"""
)

FIND = f"""
find_scripts() {{ node -e '{_FIND}' "$1" "$ignored"; }}
"""
"""A shell function that lists them, with `$ignored` as a JSON list of names; its argument is npm's command."""

RUN = """
run_own() {
  for event do
    if grep -qx "own $event" "$scripts"; then npm run --ignore-scripts "$event"; fi
  done
}
run_linked() {
  for event do
    sed -n "s#^linked $event ##p" "$scripts" | while IFS= read -r path; do
      (cd "$path" && npm run --ignore-scripts "$event" </dev/null)
    done
  done
}
run_scripts() {
  run_own preinstall
  set -f
  paths=$(sed -n 's#^required \\(.*\\)==.*#./\\1#p' "$scripts")
  [ -z "$paths" ] || npm rebuild --loglevel=http $paths
  for path in $(sed -n 's#^optional \\(.*\\)==.*#./\\1#p' "$scripts"); do
    npm rebuild --loglevel=http "$path" </dev/null || { echo "$path is left out: it is optional"; rm -rf "$path"; }
  done
  run_linked preinstall install postinstall prepare
  run_own install postinstall prepublish preprepare prepare postprepare
}
"""
"""A shell function that runs those in the file `$scripts`, in the folder that has `node_modules`."""

# What is only wished for may be left out, and so may what another wish has brought. A list has no lock yet that says
# so, and asks for its own names.
_PROMISED = r"""
const fs = require("fs"), [command, ...words] = process.argv.slice(1);
const omitted = new Set(words.filter(word => word.startsWith("--omit=")).map(word => word.slice(7)));
const read = path => { try { return JSON.parse(fs.readFileSync(path, "utf8")) || {}; } catch { return {}; } };
const isWish = entry => entry.optional || entry.devOptional || entry.extraneous;
const isOmitted = entry => (entry.dev && omitted.has("dev")) || (entry.peer && omitted.has("peer"));
const places = () => {
  if (command !== "ci") {
    const names = words.filter(word => !word.startsWith("-"));
    return names.map(word => `node_modules/${word.replace(/(.)@.*$/, "$1")}`);
  }
  const lock = read(fs.existsSync("npm-shrinkwrap.json") ? "npm-shrinkwrap.json" : "package-lock.json");
  const old = Object.entries(lock.dependencies || {}).map(([name, entry]) => [`node_modules/${name}`, entry]);
  const entries = lock.packages ? Object.entries(lock.packages) : old;
  return entries.filter(([, entry]) => !isWish(entry) && !isOmitted(entry)).map(([path]) => path);
};
for (const path of places()) {
  if (/(^|[/])node_modules[/]/.test(path) && !fs.existsSync(`${path}/package.json`)) {
    console.error(`npm error promised ${path.replace(/.*node_modules[/]/, "")} is not there`);
    process.exitCode = 1;
  }
}
"""

PROMISED = f"""
ask_promised() {{ node -e '{_PROMISED}' "$@"; }}
"""
"""A shell function that fails where something is not there that npm has promised; its arguments are npm's own."""

FETCH = f"""
place=$1 guard=$2 ignored=$3 command=$4
shift 4
mkdir -p "$place"
printf %s "$guard" >"$place/guard.js"
guarded() {{ NODE_OPTIONS="--require=$place/guard.js" npm "$@" --ignore-scripts; }}
[ "$command" = ci ] || [ -e package.json ] || echo '{{"private": true}}' > package.json
guarded "$command" --no-audit --no-fund --loglevel=http "$@"
ask_promised "$command" "$@"
printf '%s\\n' "$command" "$@" >"$place/asked"
[ "$ignored" != all ] || exit 0
find_scripts "$command" >"$place/scripts"
[ -s "$place/scripts" ] || exit 0
fetch_headers "$place/headers" guarded
exit {LEFT}
"""

SETTLE = """
scripts=$1/scripts
if [ -d "$1/headers" ] && [ -z "${npm_config_nodedir:-}" ]; then export npm_config_nodedir="$1/headers"; fi
place=$1
run_scripts
# A script may have taken something away.
IFS="
"
set -f
ask_promised $(cat "$place/asked")
"""
