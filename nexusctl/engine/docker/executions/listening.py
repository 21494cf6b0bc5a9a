"""Which sockets of a sandbox are open to connections: by these, a server is told from other work."""

from __future__ import annotations

LISTENING = """
listening() {
  nx_sockets= nx_at=0 nx_state=
  for nx_word in $(cat /proc/net/tcp /proc/net/tcp6); do
    case $nx_word in
      *:) nx_at=0 nx_state=;;
      *) nx_at=$((nx_at + 1));;
    esac
    case $nx_at$nx_state in
      1) case $nx_word in 0B00007F:*|7F00000B:*) nx_at=10;; esac;;
      3) nx_state=$nx_word;;
      90A) nx_sockets="$nx_sockets $nx_word";;
    esac
  done
} 2>/dev/null
"""
"""Finds out on which sockets somebody listens for connections.

Those at 127.0.0.11 are the engine's: it answers there for names, from when a sandbox is first in a network of its own.
"""
