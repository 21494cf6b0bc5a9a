"""The version of every JSON document that a command prints; `schemas/` describes them."""

FORMAT_VERSION = "1.0"
