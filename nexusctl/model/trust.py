"""How far the files of a load are trusted: what may be reached by whoever wrote them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from nexusctl.model.values.frozen import dataclass

Tell = Callable[[str], None]
"""Says a line to whoever waits."""


def keep_quiet(_: str) -> None:
    """The `Tell` of a program that wants to hear nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """GivenText from the command line down to whatever a file names.

    `why` says in words why the files are taken for a stranger's and is empty for one's own, as which everything may be
    reached. A stranger's reach what lies in `project` or beside them, the variables of the environment that `env`
    names (a name may end with `*`), and templates whose addresses begin with one of `templates`.

    `offline` holds for anybody: no template is fetched. `tell` hears of each that is.
    """

    why: str = ""
    project: Path | None = None
    env: tuple[str, ...] = ()
    templates: tuple[str, ...] = ()
    offline: bool = False
    tell: Tell = keep_quiet

    @property
    def untrusted(self) -> bool:
        return bool(self.why)

    @property
    def hint(self) -> str:
        """What to do where something is refused."""
        return f"these files are taken for a stranger's, as {self.why}; `--trusted` says that they are yours"

    def allows_env(self, name: str) -> bool:
        """Whether the variable `name` of the environment may be read."""
        return not self.why or any(
            name == allowed or (allowed.endswith("*") and name.startswith(allowed[:-1])) for allowed in self.env
        )

    def environment(self, environ: Mapping[str, str]) -> Mapping[str, str]:
        """What may be read of `environ`."""
        return {name: value for name, value in environ.items() if self.allows_env(name)} if self.why else environ

    def allows_template(self, address: str) -> bool:
        """Whether templates may come from the repository `address`: what it is allowed by ends where a name does."""
        if not self.why:
            return True
        if any(sign in address for sign in ("..", "%", "\\", "?", "#")):
            return False
        return any(address == prefix or address.startswith(_ended(prefix)) for prefix in self.templates if prefix)


def _ended(prefix: str) -> str:
    return prefix if prefix.endswith(("/", ":")) else f"{prefix}/"


OURS = Trust()
"""For files of one's own."""
