from __future__ import annotations

import socket

from nexusctl.engine.docker.client.http1 import read_reply


def test_a_reply_to_head_has_no_body_although_it_names_a_length() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(60)
        theirs.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 90\r\n\r\n")
        reply = read_reply(ours, "HEAD")
        assert reply.status == 404
        assert reply.body.read() == b""
        reply.body.close()
