"""The file in which a user tells npm, and pnpm, of registries and of what they ask for."""

from __future__ import annotations

import re

from nexusctl.model.values.late_regex import late_regex
from nexusctl.packages.base import SettingsFile

_SECRETS = r"//.+:(?:_authToken|_auth|username|_password)"

NPMRC = SettingsFile(
    home=".npmrc",
    variables=("NPM_CONFIG_USERCONFIG", "npm_config_userconfig"),
    kept=late_regex(rf"(?:@[^:]+:)?registry|strict-ssl|cafile|{_SECRETS}"),
    secret=late_regex(rf"{_SECRETS}=.*\n", re.MULTILINE),
    bundle="cafile",
)
"""It stays a file: a shell drops variables with names such as `npm_config_@scope:registry`."""
