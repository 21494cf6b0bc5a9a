"""Health probes as commands that run inside a sandbox with whatever its image has. Pure."""

from __future__ import annotations

from nexusctl.model.stack import Health

NO_TOOL = "cannot probe: the image has none of {tools}; give `health` a `command` that the image has"

_TRY = """if command -v {tool} >/dev/null 2>&1; then
{body}
fi
"""

# A proxy must never be asked for the sandbox's own address.
_NO_PROXY = "unset http_proxy HTTP_PROXY all_proxy ALL_PROXY\n"

_JUDGE = """case "$status" in
  2??|3??) exit 0 ;;
  '') echo "no HTTP answer from $url"; exit 1 ;;
  *) echo "HTTP status $status from $url"; exit 1 ;;
esac"""

# As curl and browsers ask: some servers have other answers, or none, for whoever accepts nothing.
ACCEPT = "*/*"
AGENT = "nexusctl"

_PYTHON_HTTP = """
import http.client, sys
headers = {"Accept": "*/*", "User-Agent": "nexusctl"}
try:
    connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=int(sys.argv[3]))
    connection.request("GET", sys.argv[2], headers=headers)
    print(connection.getresponse().status)
except (OSError, http.client.HTTPException) as error:
    print(error, file=sys.stderr)
"""

_NODE_HTTP = """
const [port, path, seconds] = process.argv.slice(1);
const headers = { Accept: "*/*", "User-Agent": "nexusctl" };
const options = { host: "127.0.0.1", port, path, headers, timeout: seconds * 1000, agent: false };
const request = require("http").get(options, (r) => { console.log(r.statusCode); process.exit(); });
request.on("error", (e) => { console.error(e.message); process.exit(); });
request.on("timeout", () => request.destroy(new Error("timed out")));
"""

_PYTHON_TCP = 'import socket, sys; socket.create_connection(("127.0.0.1", int(sys.argv[1])), int(sys.argv[2]))'

_NODE_TCP = """
const [port, seconds] = process.argv.slice(1);
const socket = require("net").connect(port, "127.0.0.1", () => process.exit(0));
socket.setTimeout(seconds * 1000, () => socket.destroy(new Error("timed out")));
socket.on("error", (e) => { console.error(e.message); process.exit(1); });
"""


def healthcheck_test(health: Health) -> list[str]:
    """The probe as the `Test` of a container's Healthcheck."""
    return ["CMD", *health.command] if health.command else ["CMD-SHELL", probe_script(health)]


def probe_command(health: Health) -> tuple[str, ...]:
    """The probe as a command to run inside."""
    return health.command or ("/bin/sh", "-c", probe_script(health))


def probe_script(health: Health) -> str:
    """A script for any POSIX shell that exits with 0 when the port answers, for HTTP with a status of 2xx or 3xx."""
    # Few looks at a stack make a script.
    import math  # noqa: PLC0415 - deferred: start-up time

    seconds = max(1, math.ceil(health.timeout))
    if health.http_port is not None:
        return _http_script(health.http_port, health.http_path, seconds)
    assert health.tcp_port is not None
    return _tcp_script(health.tcp_port, seconds)


def _http_script(port: int, path: str, seconds: int) -> str:
    """Each tool puts the status into $status; the quickest to start comes first."""
    path = path if path.startswith("/") else f"/{path}"
    target = _quote(path)
    url = _quote(f"http://127.0.0.1:{port}{path}")
    headers = (f"Host: 127.0.0.1:{port}", f"Accept: {ACCEPT}", f"User-Agent: {AGENT}", "Connection: close")
    head = "".join(f"{header}\\r\\n" for header in headers)
    request = f"printf 'GET %s HTTP/1.0\\r\\n{head}\\r\\n' {target}"
    by_bash = f"exec 3<>/dev/tcp/127.0.0.1/{port} && {request} >&3 && read -r -t {seconds} _ s _ <&3 && echo $s"
    status = {
        "curl": f"curl -sS -A {AGENT} -o /dev/null -m {seconds} -w '%{{http_code}}' {url}",
        "bash": f"bash -c {_quote(by_bash)}",
        "python3": f"python3 -c {_quote(_PYTHON_HTTP)} {port} {target} {seconds}",
        "node": f"node -e {_quote(_NODE_HTTP)} {port} {target} {seconds}",
        "nc": f"{request} | nc -w {seconds} 127.0.0.1 {port} | {{ read -r _ s _ && echo $s; }}",
    }
    bodies = {tool: f"status=$({command})\n{_JUDGE}" for tool, command in status.items()}
    # It needs a second try, because it may follow a redirection on a connection that the server has closed.
    # No time-out of wget's own: that option crashes BusyBox 1.35, and whoever runs a probe ends it in time.
    # wget tells no status in a form that all of its kinds share, but it fails for 4xx and 5xx and follows redirections.
    asked = f"--header 'Accept: {ACCEPT}' -U {AGENT}"
    bodies["wget"] = f"wget -q -O /dev/null -t 2 {asked} {url} && exit 0\necho no good answer from $url\nexit 1"
    return f"url={url}\n" + _NO_PROXY + _first_of(bodies, ("curl", "bash", "nc", "wget", "python3", "node"))


def _tcp_script(port: int, seconds: int) -> str:
    place = f"127.0.0.1 {port}"
    bodies = {
        "bash": f"bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port}'",
        # Some BusyBoxes know no -z, and a plain nc would wait for a server that waits for it.
        "nc": f"nc -z -w {seconds} {place} 2>/dev/null || nc -w {seconds} {place} -e /bin/true 2>/dev/null",
        "python3": f"python3 -c {_quote(_PYTHON_TCP)} {port} {seconds}",
        "node": f"node -e {_quote(_NODE_TCP)} {port} {seconds}",
    }
    bodies = {
        tool: f"{{ {command}; }} && exit 0\necho nothing listens on port {port}\nexit 1"
        for tool, command in bodies.items()
    }
    return _first_of(bodies, tuple(bodies))


def _first_of(bodies: dict[str, str], order: tuple[str, ...]) -> str:
    tries = "".join(_TRY.format(tool=tool, body=bodies[tool]) for tool in order)
    return tries + f"echo {_quote(NO_TOOL.format(tools=', '.join(order)))}\nexit 1\n"


def _quote(text: str) -> str:
    # As above.
    import shlex  # noqa: PLC0415 - deferred: start-up time

    return shlex.quote(text)
