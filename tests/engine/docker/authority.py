"""Certificates of an authority that a test makes for itself, with the openssl program."""

from __future__ import annotations

import subprocess
from pathlib import Path


def openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class Authority:
    """One that signs for whoever asks; `certificate` is what those need who are to trust it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.certificate, self._key, self._folder = folder / "ca.pem", folder / "ca-key.pem", folder
        new = ("-newkey", "rsa:2048", "-nodes", "-keyout", self._key, "-days", "2")
        openssl("req", "-x509", *new, "-subj", "/CN=authority of a test", "-out", self.certificate)

    def issue(self, folder: Path, *, server: str = "", since: str = "20200101000000Z", until: str = "") -> Path:
        """A folder as DOCKER_CERT_PATH names one, for a client or for a `server` with such a subjectAltName."""
        folder.mkdir(parents=True)
        request, more = folder / "request.pem", folder / "more.cnf"
        new = ("-newkey", "rsa:2048", "-nodes", "-keyout", folder / "key.pem")
        openssl("req", "-new", *new, "-subj", "/CN=of a test", "-out", request)
        usage = "serverAuth" if server else "clientAuth"
        lines = [f"extendedKeyUsage = {usage}", *([f"subjectAltName = {server}"] if server else [])]
        more.write_text("\n".join(["[more]", *lines]) + "\n")
        (self._folder / "index.txt").write_text("")
        (self._folder / "serial").write_text("1000\n")
        (self._folder / "ca.cnf").write_text(
            f"[ca]\ndefault_ca = own\n[own]\ndatabase = {self._folder}/index.txt\nserial = {self._folder}/serial\n"
            f"new_certs_dir = {self._folder}\ndefault_md = sha256\npolicy = any\nunique_subject = no\n"
            "[any]\ncommonName = supplied\n"
        )
        span = ("-startdate", since, "-enddate", until or "20491231235959Z")
        signed = ("-cert", self.certificate, "-keyfile", self._key, "-in", request, "-out", folder / "cert.pem")
        extensions = ("-extfile", more, "-extensions", "more")
        openssl("ca", "-batch", "-notext", "-config", self._folder / "ca.cnf", *signed, *extensions, *span)
        (folder / "ca.pem").write_bytes(self.certificate.read_bytes())
        return folder
