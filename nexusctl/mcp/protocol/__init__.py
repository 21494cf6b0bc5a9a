"""The only door to the SDK of the protocol: the server of both eras, on stdio and over HTTP."""
