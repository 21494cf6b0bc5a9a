"""From files to nodes: YAML, dotenv, includes, merging."""
