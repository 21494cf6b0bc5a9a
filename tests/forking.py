"""The process that `prestarted` begins: it has started as `python -m nexusctl` does, and forks for each command.

It loads nothing that a process of the command would not have loaded by then, and so goes without `socket` and `json`.
"""

from __future__ import annotations

import _socket
import marshal
import os
import select
import sys
from importlib import import_module

import nexusctl.__main__ as program

_LARGEST = 1 << 17
_GONE = 0
"""The file that ends when whoever has begun this is gone."""


def serve(name: str) -> None:
    """Fork for whoever asks at a socket of that name; returns in the process of each command, where that is to start.

    A message without files names a module of a verb, and asks for a process that forks with that imported.
    """
    listener = _listen(name)
    poll, running = _begin(listener)
    os.write(1, b"it listens")
    while True:
        for ready, _ in poll.poll():
            if ready == _GONE:
                os._exit(0)
            if ready != listener.fileno():
                poll.unregister(ready)
                _tell_end(ready, *running.pop(ready))
                continue
            client, message, files = _take(listener)
            if files:
                pid = os.fork()
                if not pid:
                    words, folder, environ = marshal.loads(message)
                    _become(words, folder, environ, files)
                    return
                pidfd = os.pidfd_open(pid)
                running[pidfd] = pid, client
                poll.register(pidfd, select.POLLIN)
                client.send(str(pid).encode())
                for number in files:
                    os.close(number)
            else:
                module = message.decode()
                own = _listen(f"{name}.{module}")
                client.send(b"it listens")
                if not os.fork():
                    listener = own
                    poll, running = _begin(listener)
                    import_module(module)
                    break


def _begin(listener: _socket.socket) -> tuple[select.poll, dict[int, tuple[int, _socket.socket]]]:
    """What is waited for, and what of that are commands: the process of each, and who is told its exit code."""
    poll = select.poll()
    poll.register(_GONE, 0)
    poll.register(listener, select.POLLIN)
    return poll, {}


def _listen(name: str) -> _socket.socket:
    """A socket that has no file."""
    made = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    made.bind(f"\0{name}")
    made.listen(64)
    return made


def _take(listener: _socket.socket) -> tuple[_socket.socket, bytes, list[int]]:
    client = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET, 0, listener._accept()[0])  # type: ignore[attr-defined]
    message, control, _, _ = client.recvmsg(_LARGEST, _socket.CMSG_SPACE(4 * 3))
    numbers = b"".join(data for _, _, data in control)
    return client, message, [int.from_bytes(numbers[at : at + 4], sys.byteorder) for at in range(0, len(numbers), 4)]


def _tell_end(pidfd: int, pid: int, client: _socket.socket) -> None:
    os.close(pidfd)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    try:
        client.send(str(code).encode())
    except OSError:
        return  # who has lost patience does not wait for it
    finally:
        client.close()


def _become(words: list[str], folder: str, environ: dict[str, str], files: list[int]) -> None:
    """Have nothing of the process that has forked but what every interpreter of a command has."""
    for number, file in enumerate(files):
        os.dup2(file, number)
    os.closerange(len(files), 4096)
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(folder)
    sys.path[0] = folder
    sys.argv[:] = [program.__file__, *words]


if __name__ == "__main__":
    try:
        serve(sys.argv[1])
    except KeyboardInterrupt:
        os._exit(130)  # whoever has begun it is told as well
    program.start()
