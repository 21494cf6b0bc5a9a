"""TLS to an engine behind a TCP port, with the certificates that the docker command line uses.

Only loaded for such an engine: the library takes as long to load as a plan to make.
"""

from __future__ import annotations

import socket
import ssl
from functools import lru_cache
from pathlib import Path

from nexusctl.engine.docker.client.tls_socket import EncryptedSocket

CA, CERTIFICATE, KEY = "ca.pem", "cert.pem", "key.pem"

_PLAIN = (
    "WRONG_VERSION_NUMBER",
    "HTTP_REQUEST",
    "RECORD_LAYER_FAILURE",
    "PACKET_LENGTH_TOO_LONG",
    "HTTPS_PROXY_REQUEST",
)
_EXPIRED, _NOT_YET, _NOT_FOR = 10, 9, (62, 64)
"""OpenSSL's numbers for what is wrong with a certificate."""


class Untrusted(OSError):
    """There is no TLS with an engine: what is wrong, and what to do."""

    def __init__(self, summary: str, hint: str) -> None:
        super().__init__(summary)
        self.hint = hint


def encrypt(plug: socket.socket, host: str, folder: str) -> EncryptedSocket:
    """`plug` with TLS to the engine that calls itself `host`; `folder` has the certificates, empty for the system's.

    Raises `Untrusted` for what is wrong with these, `OSError`.
    """
    try:
        encrypted = EncryptedSocket(plug, _read_context(folder), host)
        encrypted.shake_hands()
    except BaseException:
        plug.close()
        raise
    return encrypted


@lru_cache(maxsize=4)
def _read_context(folder: str) -> ssl.SSLContext:
    # What `create_default_context` is strict about beyond this, certificates made as Docker's manual says do not have.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not folder:
        context.load_default_certs()
        return context
    ca, certificate, key = (Path(folder, name) for name in (CA, CERTIFICATE, KEY))
    _require(ca)
    try:
        context.load_verify_locations(cafile=ca)
    except ssl.SSLError:
        raise Untrusted(f"`{ca}` holds no certificate", "take the ca.pem of the engine") from None
    if certificate.exists() or key.exists():
        _load_own(context, certificate, key)
    return context


def _load_own(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    _require(certificate)
    _require(key)
    try:
        # A password of nothing keeps the library from asking for one.
        context.load_cert_chain(certificate, key, password="")
    except ssl.SSLError as error:
        if "MISMATCH" in (error.reason or ""):
            raise Untrusted(f"`{key}` is not the key of `{certificate}`", "take both from the same place") from None
        summary = f"`{certificate}` and `{key}` are no certificate and its key, without a password"
        raise Untrusted(summary, "take those that the engine's ca.pem has signed") from None


def _require(path: Path) -> None:
    try:
        path.read_bytes()
    except FileNotFoundError:
        hint = f"DOCKER_CERT_PATH names the folder with {CA}, {CERTIFICATE} and {KEY}"
        raise Untrusted(f"there is no file `{path}`", hint) from None
    except OSError as error:
        raise Untrusted(f"`{path}` cannot be read: {(error.strerror or '').lower()}", "check its permissions") from None


def explain(error: ssl.SSLError, host: str, folder: str) -> Untrusted:
    """`error` of a connection to the engine at `host`, with the certificates in `folder`, in words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _explain_theirs(error.verify_code, error.verify_message, host, folder)
    reason = error.reason or ""
    if any(word in reason for word in _PLAIN):
        hint = "take away DOCKER_TLS_VERIFY and DOCKER_CERT_PATH, or name the port that has TLS, which is mostly 2376"
        return Untrusted("it does not speak TLS there", hint)
    if "ALERT" in reason:
        return _explain_ours(reason, folder)
    if isinstance(error, ssl.SSLEOFError):
        return Untrusted("it hung up before there was TLS", "see its log")
    return Untrusted(f"there is no TLS with it: {error.strerror or reason}", "see its log")


def _explain_theirs(code: int, message: str, host: str, folder: str) -> Untrusted:
    if code == _EXPIRED:
        return Untrusted("its certificate has expired", "give the engine a new one, or see whether your clock is right")
    if code == _NOT_YET:
        return Untrusted("its certificate is not valid yet", "see whether your clock and the engine's are right")
    if code in _NOT_FOR:
        hint = f"name a host in DOCKER_HOST that its certificate is for, or make one with {host} as subjectAltName"
        return Untrusted(f"its certificate is not for `{host}`", hint)
    known = f"`{folder}/{CA}`" if folder else "the certificates of this machine"
    hint = f"put the {CA} of this engine there" if folder else f"put its {CA} into a folder that DOCKER_CERT_PATH names"
    return Untrusted(f"its certificate is signed by nobody in {known} ({message})", hint)


def _explain_ours(reason: str, folder: str) -> Untrusted:
    """What the engine says of the certificate that it was shown, if any was."""
    if not folder or not Path(folder, CERTIFICATE).exists():
        where = f"`{folder}`" if folder else "a folder that DOCKER_CERT_PATH names"
        hint = f"put {CERTIFICATE} and {KEY} into {where}, signed by the authority that the engine trusts"
        return Untrusted("it wants to see a certificate of yours, and there is none", hint)
    own = f"`{folder}/{CERTIFICATE}`"
    if "EXPIRED" in reason:
        return Untrusted(f"it says that {own} has expired", "make a new one")
    said = reason.rpartition("ALERT_")[2].replace("_", " ").lower()
    hint = "take one that the authority has signed which the engine trusts, and that has not expired"
    return Untrusted(f"it does not take {own}: {said}", hint)
