"""The reaper is started behind the answers: that takes seconds, and no caller waits for what it is for.

It goes by itself once nothing has a lifetime any more, so nobody has to remove it here.
"""

from __future__ import annotations

import queue
import threading

from nexusctl.api import connection, planning
from nexusctl.api.connection import Engine, Report
from nexusctl.api.reaper.itself import has_lifetimes
from nexusctl.api.reaper.keep import keep_reaper
from nexusctl.errors import Diagnostic, NexusError
from nexusctl.mcp.edits.workspace import Workspace


class Reaping:
    """One thread; `keep` is for any, and takes the place of `keep_reaper`. `problems` are those of the last time."""

    def __init__(self, workspace: Workspace) -> None:
        self.problems: tuple[Diagnostic, ...] = ()
        self._workspace = workspace
        self._queue: queue.SimpleQueue[Engine | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="reaping")
        self._thread.start()

    def keep(self, engine: Engine, *, wanted: bool, report: Report) -> tuple[Diagnostic, ...]:
        """Have it started soon where one is `wanted`; what goes wrong then is in `problems`."""
        if wanted:
            self._queue.put(engine)
        return ()

    def close(self) -> None:
        """Finish what was asked for, and end."""
        self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        self._make_up()
        going = True
        while going:
            asked = [self._queue.get()]
            while not self._queue.empty():
                asked.append(self._queue.get())
            going = None not in asked
            # It looks at all stacks each time, so one of them speaks for all.
            for engine in [one for one in asked if one][-1:]:
                self._start(engine)

    def _make_up(self) -> None:
        """Start it where a server before this one was killed before it did."""
        try:
            if not self._workspace.path.exists():
                return
            engine = connection.connect()
            if has_lifetimes(planning.observe(engine, self._workspace.stack())):
                self._start(engine)
        except NexusError:
            # Whoever calls is told.
            return

    def _start(self, engine: Engine) -> None:
        self.problems = keep_reaper(engine, wanted=True, report=connection.be_silent)
