"""Plain calls of the Engine API: JSON out, JSON in, one fresh connection a call.

A fresh connection costs 0.1 ms on a Unix socket and leaves no state to share between threads, and no stale
keep-alive on which a POST could be lost. Nothing is ever sent twice here: only the caller knows how to read
back what a lost call has done. The Docker SDK is not used for calls because importing it takes longer than a
whole no-op plan; it reads the registries' credentials (`images/pull.py`).
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from nexusctl.engine.docker.client.answer import LONGEST_LINE, Answer
from nexusctl.engine.docker.client.answers import find_fault
from nexusctl.engine.docker.client.connection_errors import advice, describe_failure
from nexusctl.engine.docker.client.http1 import Plug, read_reply, send_request
from nexusctl.engine.docker.client.silence import LIST_TIMEOUT, LOCKED_UP, PING_TIMEOUT, Silence
from nexusctl.engine.docker.client.unix_socket import SocketPlug, UnixPlug
from nexusctl.errors import Conflict, EngineError, EngineUnreachable, NotFound
from nexusctl.model.values.frozen import dataclass

CALL_TIMEOUT = 120.0
"""Seconds without a byte after which a plain call counts as unanswered."""

LONGEST_ANSWER = 512 * 1024 * 1024
"""Bytes of an answer that is held in memory; a thousand sandboxes with thousands of files each give a fifth of it."""

ONE_NAME = (1, 44)
"""The version of the engine's language from which on it refuses a second network of one name."""

WHOLE_ID, SHORT_ID = 64, 12
"""How many characters an id has, and how many of them people see."""

FOREVER = float("inf")
"""The time-out of a call whose answer may be silent for as long as it likes, such as a command's output."""

_UNIX = "unix://"
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")

_PING = "/_ping"
"""What an engine answers without any of its locks."""

_UNREACHABLE_HINT = "see `nexusctl engine status`; `nexusctl engine start` starts an engine on this machine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where an engine listens: `url` as in DOCKER_HOST (unix://, tcp://, ssh://), `source` says who named it.

    `tls` is the folder with ca.pem, cert.pem and key.pem, empty for none. `version` is the API version to speak,
    empty before it was negotiated.
    """

    url: str
    source: str
    tls: str = ""
    version: str = ""

    def speaks(self, version: tuple[int, int]) -> bool:
        """Whether it was agreed to speak at least this version."""
        return tuple(int(part) for part in self.version.split(".") if part.isdecimal()) >= version


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A call; it counts as unanswered after `limit` seconds without a byte, which may be those that are `usual`."""

    method: str
    path: str
    limit: float
    usual: bool

    @property
    def call(self) -> str:
        """For a message, in which an id is as long as people know it."""
        parts = (part[:SHORT_ID] if len(part) == WHOLE_ID else part for part in self.path.split("/"))
        return f"{self.method} {'/'.join(parts)}"


class Wire:
    """Calls one endpoint. Holds no connection; safe to share between threads."""

    def __init__(self, endpoint: Endpoint, *, timeout: float = CALL_TIMEOUT) -> None:
        self.endpoint = endpoint
        self.timeout = timeout
        # Who asks for another limit than the usual one means all calls.
        self.silence = Silence(timeout, LIST_TIMEOUT if timeout == CALL_TIMEOUT else timeout)

    @property
    def uncut(self) -> Wire:
        """The one for what has to be done even after a stop was requested."""
        return self

    def get(self, path: str, query: Mapping[str, Any] | None = None) -> Any:
        return self.call("GET", path, query)

    def post(self, path: str, body: Any = None, query: Mapping[str, Any] | None = None) -> Any:
        return self.call("POST", path, query, body)

    def delete(self, path: str, query: Mapping[str, Any] | None = None) -> Any:
        return self.call("DELETE", path, query)

    def call(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        *,
        timeout: float | None = None,
    ) -> Any:
        """One call to its end; returns the decoded JSON, None for an empty answer. Raises `EngineError`."""
        data = None if body is None else json.dumps(body).encode()
        with self.open(method, path, query, data, timeout=timeout) as answer:
            return self._decode(method, path, answer)

    def lines(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        timeout: float | None = None,
    ) -> Iterator[Any]:
        """The JSON messages of a progress stream, as they come."""
        with self.open(method, path, query, headers=headers, timeout=timeout) as answer:
            for line in answer:
                if line.strip():
                    yield self._parse(method, path, line)

    def open(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        data: bytes | Iterable[bytes] | None = None,
        *,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Answer:
        """Send a call and return its body to read from; use it as a context manager.

        A mapping or list as a query's value is sent as JSON, as the API's `filters` are.
        Raises `NotFound`, `Conflict`, `EngineError` for a refusal, `EngineUnreachable` for no answer.
        """
        fields = {"Host": "localhost", "Content-Type": content_type, **(headers or {})}
        asked = self._ask(method, path, timeout)
        return self._receive(self._send(asked, query, fields, data), asked)

    @contextlib.contextmanager
    def ask_ahead(self, path: str) -> Iterator[Callable[[], Any]]:
        """A GET that is sent now; what is given waits for its answer, which the engine works on meanwhile.

        Both raise what `get` does.
        """
        asked = self._ask("GET", path, None)
        plug = self._send(asked, None, {"Host": "localhost"}, None)

        def read() -> Any:
            with self._receive(plug, asked) as answer:
                return self._decode("GET", path, answer)

        try:
            yield read
        finally:
            plug.close()

    def _decode(self, method: str, path: str, answer: Answer) -> Any:
        """The JSON of a whole answer. Raises `EngineError` for one that no engine gives."""
        text = b"".join(answer.pieces(LONGEST_ANSWER + 1))
        if len(text) > LONGEST_ANSWER:
            raise self._misunderstood(method, path, f"it is longer than {LONGEST_ANSWER // 1024**2} MiB")
        found = self._parse(method, path, text) if text.strip() else None
        if fault := find_fault(method, path, found):
            raise self._misunderstood(method, path, fault.lstrip(".") if fault[0] == "." else f"it{fault}")
        return found

    def _parse(self, method: str, path: str, text: bytes) -> Any:
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            raise self._misunderstood(method, path, "it is no JSON") from None

    def _misunderstood(self, method: str, path: str, why: str) -> EngineError:
        return EngineError(
            f"what the engine at {self.endpoint.url} answers to {method} {path} is not Docker's: {why}",
            hint="see whether a Docker Engine listens there: `nexusctl engine status`",
        )

    def _ask(self, method: str, path: str, timeout: float | None) -> _Asked:
        """A call with the usual time limit, where it has none of its own."""
        usual = timeout is None
        limit = self.silence.limit(method, path) if timeout is None else timeout
        return _Asked(method=method, path=path, limit=limit, usual=usual)

    def _send(
        self,
        asked: _Asked,
        query: Mapping[str, Any] | None,
        fields: Mapping[str, str],
        data: bytes | Iterable[bytes] | None,
    ) -> Plug:
        prefix = f"/v{self.endpoint.version}" if self.endpoint.version else ""
        try:
            plug = self.connect(asked.limit)
        except (OSError, ValueError) as error:
            # A name that no resolver takes is a ValueError.
            raise self._unreachable(error) from self._explain(error)
        with self._closing_failed(plug, asked), contextlib.suppress(BrokenPipeError, ConnectionResetError):
            # An engine that refuses what it is being sent hangs up on it, with its reason in the answer.
            send_request(plug, asked.method, prefix + asked.path + _encode(query), fields, data)
        return plug

    def _receive(self, plug: Plug, asked: _Asked) -> Answer:
        with self._closing_failed(plug, asked):
            if asked.usual:
                self.silence.wait(plug, self.endpoint.url, asked.call, asked.limit)
            reply = read_reply(plug, asked.method)
            if asked.usual:
                self.silence.note(answered=True)
            if reply.status >= 400:
                raise _refusal(reply.status, reply.body.read(LONGEST_LINE))
        return Answer(plug, reply, lambda error: self._unreachable(self._ask_plug(plug, error)))

    @contextlib.contextmanager
    def _closing_failed(self, plug: Plug, asked: _Asked) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            cause = self._ask_plug(plug, error)
            plug.close()
            if isinstance(cause, TimeoutError) and (asked.usual or asked.limit >= self.timeout):
                self.silence.note(answered=False)
                # One that was never heard has its network to blame.
                if asked.path != _PING and self.endpoint.version and self._is_there():
                    raise self._silent(asked) from cause
            raise self._unreachable(cause) from self._explain(cause)
        except BaseException:
            plug.close()
            raise

    def _ask_plug(self, plug: Plug, error: Exception) -> Exception:
        """What carries the connection may know better why it failed."""
        explain = getattr(plug, "explain", None)
        return explain(error) if explain else error

    def _is_there(self) -> bool:
        """Whether the engine answers what needs nothing of it."""
        try:
            self.open("GET", _PING, timeout=PING_TIMEOUT).close()
        except EngineError:
            return False
        return True

    def _silent(self, asked: _Asked) -> EngineUnreachable:
        summary = f"the engine at {self.endpoint.url} is there, but has not answered {asked.call} for {asked.limit:g} s"
        return EngineUnreachable(summary, hint=LOCKED_UP)

    def _unreachable(self, error: Exception) -> EngineUnreachable:
        cause = self._explain(error)
        return EngineUnreachable(
            f"the engine at {self.endpoint.url} does not answer: {describe_failure(cause)}",
            hint=advice(cause) or _UNREACHABLE_HINT,
        )

    def _explain(self, error: Exception) -> Exception:
        if type(error).__module__ != "ssl":
            return error
        # It is loaded, or there were no such error.
        import ssl  # noqa: PLC0415 - deferred: start-up time
        from urllib.parse import urlsplit  # noqa: PLC0415 - deferred: start-up time

        from nexusctl.engine.docker.client.tls import explain  # noqa: PLC0415 - deferred: start-up time

        assert isinstance(error, ssl.SSLError)
        return explain(error, urlsplit(self.endpoint.url).hostname or "localhost", self.endpoint.tls)

    def connect(self, timeout: float) -> Plug:
        """A new connection; raises `OSError`."""
        patience = None if timeout == FOREVER else timeout
        if self.endpoint.url.startswith(_UNIX):
            return UnixPlug(self.endpoint.url.removeprefix(_UNIX), patience)
        # Most engines are on this machine.
        from urllib.parse import urlsplit  # noqa: PLC0415 - deferred: start-up time

        url = urlsplit(self.endpoint.url)
        if url.scheme == "ssh":
            # Most engines are on this machine.
            from nexusctl.engine.docker.client.ssh import SshPlug  # noqa: PLC0415 - deferred: start-up time

            return SshPlug(url.netloc, patience)
        secure = self.endpoint.tls or url.scheme == "https"
        host, port = url.hostname or "localhost", url.port or (2376 if secure else 2375)
        # Most engines are on this machine.
        import socket  # noqa: PLC0415 - deferred: start-up time

        plug = socket.create_connection((host, port), timeout=patience)
        if not secure:
            return SocketPlug(plug)
        # Most engines are on this machine.
        from nexusctl.engine.docker.client.tls import encrypt  # noqa: PLC0415 - deferred: start-up time

        return encrypt(plug, host, self.endpoint.tls)


def _encode(query: Mapping[str, Any] | None) -> str:
    if not query:
        return ""
    return "?" + "&".join(f"{_quote(key)}={_quote(_encode_value(value))}" for key, value in query.items())


def _quote(text: str) -> str:
    """As `urllib.parse.quote` with nothing safe, which takes longer to load than a call."""
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in text.encode())


def _encode_value(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return json.dumps(value) if isinstance(value, dict | list) else str(value)


def _refusal(status: int, body: bytes) -> EngineError:
    try:
        message = str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError, RecursionError):
        message = body.decode(errors="replace").strip() or f"HTTP status {status}"
    kinds: Mapping[int, type[EngineError]] = {404: NotFound, 409: Conflict}
    return kinds.get(status, EngineError)(message, status=status)
