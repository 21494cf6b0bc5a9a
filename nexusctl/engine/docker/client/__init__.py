"""The connection to an engine: sockets, TLS, ssh, HTTP, errors."""
