"""Commands that agents run in sandboxes, what they print, and the files that they leave."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from pathlib import Path

import anyio
import pytest

from tests.load import allow
from tests.mcp.client import Caller, nexusctl, plan_of, play

ENV = {"A": "a"}
CODE = "console.log(process.env.A, process.cwd())"

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("template_images")]


def test_code_runs_as_it_stands_and_its_end_is_told(folder: Path) -> None:
    async def scene(call: Caller) -> None:
        for template, name in (("node", "js"), ("python", "py")):
            await call("sandbox_create", template=template, name=name)
        long = "print(len('" + "x" * 200_000 + "'))"
        cases = [
            ("js", {"code": CODE, "language": "javascript", "env_vars": ENV, "working_dir": "/tmp"}, "a /tmp\n", 0),
            ("py", {"code": "import sys; print('é'); sys.exit(3)", "language": "python"}, "é\n", 3),
            ("py", {"code": long, "language": "python"}, "200000\n", 0),
            ("py", {"code": "echo out; echo err >&2; exit 7"}, "out\n", 7),
            ("py", {"code": "echo \"$0 ${HOME:+home}\" 'single' $(echo sub)"}, "/bin/sh home single sub\n", 0),
        ]  # fmt: skip
        for name, arguments, out, code in cases:
            ran = await call("sandbox_execute", sandbox_id=f"sb_{name}", **arguments)
            assert (ran["stdout"], ran["exit_code"]) == (out, code), ran.text
            assert ran["status"] == ("failed" if code else "completed")
            assert ran["ended_at"] >= ran["started_at"]
        slow = await call(
            "sandbox_execute", sandbox_id="sb_py", code="echo begun; sleep 90", timeout=int(allow(15)), wait_s=50
        )
        assert (slow["status"], slow["stdout"]) == ("timeout", "begun\n")
        unheard = await call("sandbox_execute", sandbox_id="sb_py", code="echo x", capture_output=False)
        assert (unheard["stdout"], unheard["status"]) == ("", "completed")
        loud = await call("sandbox_execute", sandbox_id="sb_py", code="seq 1 100000")
        assert (loud["truncated"], loud["status"], loud["next_offset"]) == (True, "completed", 50_000)
        data, offset = loud["stdout"], loud["next_offset"]
        while True:
            news = await call(
                "execution_stream_status",
                stream_id=f"stream_{loud['execution_id']}",
                max_bytes=80_000,
                **{"from": offset},
            )
            data, offset = data + news["data"], news["next_offset"]
            if not news["truncated"]:
                break
        assert data == "".join(f"{number}\n" for number in range(1, 100_001))
        assert (news["status"], news["exit_code"]) == ("ended", 0)
        await call("sandbox_stop", sandbox_id="sb_js")
        refused = await call("sandbox_execute", sandbox_id="sb_js", code="true")
        assert "`sandbox_start` with `sb_js`" in refused.text
        # What was run is no part of the stack.
        assert plan_of(folder)["empty"]

    play(folder, scene)


def test_lines_say_whose_they_are(folder: Path) -> None:
    async def scene(call: Caller) -> None:
        await call("sandbox_create", template="base", name="api")
        await call("sandbox_create", template="base", name="other")
        one = await call("sandbox_execute", sandbox_id="api", code="for n in 1 2 3; do echo line $n; done")
        two = await call("sandbox_execute", sandbox_id="api", code="echo wrong >&2")
        logs = await call("sandbox_logs", sandbox_id="api", lines=3)
        assert logs["truncated"]
        assert [(line["source"], line["stream"], line["text"]) for line in logs["lines"]] == [
            (one["execution_id"], "stdout", "line 2"),
            (one["execution_id"], "stdout", "line 3"),
            (two["execution_id"], "stderr", "wrong"),
        ]
        for line, ran in zip(logs["lines"], (one, one, two), strict=True):
            assert line["time"] >= ran["started_at"][:-1]
        only = await call("sandbox_logs", sandbox_id="api", execution_id=one["execution_id"])
        assert [line["text"] for line in only["lines"]] == ["line 1", "line 2", "line 3"]
        for arguments in ({"execution_id": "exec_nobody"}, {"from": "yesterday"}, {"lines": 1001}):
            assert (await call("sandbox_logs", sandbox_id="api", **arguments)).is_error
        assert (await call("sandbox_logs", sandbox_id="other", execution_id=one["execution_id"])).is_error

    play(folder, scene)


def test_a_sandbox_is_changed_in_the_cheapest_way_and_its_commands_run_in_order(folder: Path) -> None:
    async def scene(call: Caller) -> None:
        await call(
            "sandbox_create", template="node", name="api", env_vars={"A": "1"}, install_packages=["is-odd@3.0.0"]
        )
        more = await call(
            "sandbox_configure", sandbox_id="api", install_packages=["is-even", "is-odd@3.0.1"],
            run_commands=["node -e \"console.log(require('is-even')(2))\"", "echo $A"],
        )  # fmt: skip
        assert not more.is_error, more.text
        assert (more["replaced"], more["packages_installed"]) == (False, 2)
        assert [(one["stdout"], one["exit_code"]) for one in more["commands"]] == [("true\n", 0), ("1\n", 0)]
        changed = await call(
            "sandbox_configure", sandbox_id="api", env_vars={"A": "2"}, run_commands=["echo $A", "exit 3", "echo never"]
        )
        assert (changed["replaced"], changed["env_vars_set"]) == (True, 1)
        assert [(one["stdout"], one["exit_code"]) for one in changed["commands"]] == [("2\n", 0), ("", 3)]
        assert "1 after it were not run" in changed["errors"][0]["hint"]
        assert (await call("sandbox_configure", sandbox_id="api")).is_error
        assert plan_of(folder)["empty"]

    play(folder, scene)


def test_files_that_were_written_are_listed_and_read(folder: Path) -> None:
    async def scene(call: Caller) -> None:
        await call("sandbox_create", template="base", name="api")
        await call(
            "sandbox_execute",
            sandbox_id="api",
            code="mkdir -p /work/a; printf hello > /work/a/x; printf '\\377\\0' > /work/b",
        )
        files = await call("execution_files_list", sandbox_id="api", path="/work")
        assert [(one["path"], one["type"], one["size_bytes"]) for one in files["files"]] == [
            ("/work", "folder", None), ("/work/a", "folder", None), ("/work/a/x", "file", 5), ("/work/b", "file", 2)
        ]  # fmt: skip
        assert {one["kind"] for one in files["files"]} == {"added"}
        asked = await call("sandbox_execute", sandbox_id="api", code="sha256sum /work/a/x /work/b | cut -d' ' -f1")
        assert [one["checksum"] for one in files["files"][2:]] == [f"sha256:{one}" for one in asked["stdout"].split()]
        alone = await call("execution_files_list", sandbox_id="api", path="/work/a/x")
        assert (alone["total"], alone["files"]) == (1, files["files"][2:3])
        # A folder of the image that is only changed, a file of it, a link, and one that is gone.
        code = "echo more >> /etc/issue; rm /etc/issue.net; ln -s issue /etc/link; echo x > /etc/new"
        await call("sandbox_execute", sandbox_id="api", code=code)
        files = await call("execution_files_list", sandbox_id="api", path="/etc")
        told = {one["path"]: (one["kind"], one["type"], one["size_bytes"] is not None) for one in files["files"]}
        assert told["/etc"] == ("changed", "folder", False)
        assert told["/etc/issue"] == ("changed", "file", True)
        assert told["/etc/issue.net"] == ("removed", None, False)
        assert told["/etc/link"] == ("added", "other", False)
        assert told["/etc/new"] == ("added", "file", True)
        text = await call("execution_file_get", sandbox_id="api", path="/work/a/x", max_bytes=3)
        assert (text["content"], text["encoding"], text["size_bytes"], text["truncated"]) == ("hel", "utf-8", 5, True)
        raw = await call("execution_file_get", sandbox_id="api", path="/work/b")
        assert (base64.b64decode(raw["content"]), raw["encoding"]) == (b"\xff\x00", "base64")
        for path in ("/work", "/nowhere", "/proc/1/environ"):
            assert (await call("execution_file_get", sandbox_id="api", path=path)).is_error

    play(folder, scene)


def test_a_sandbox_stays_stopped_until_it_is_started(folder: Path) -> None:
    async def scene(call: Caller) -> None:
        await call("sandbox_create", template="base", name="api")
        assert (await call("sandbox_stop", sandbox_id="api"))["status"] == "stopped"
        assert (await call("sandbox_stop", sandbox_id="api"))["status"] == "stopped"
        nexusctl(folder, "apply", "--yes")
        assert (await call("sandbox_list", status="stopped"))["total"] == 1
        assert (await call("sandbox_start", sandbox_id="api"))["status"] == "running"

    play(folder, scene)
    assert plan_of(folder)["empty"]


def test_each_line_says_when_it_came(folder: Path) -> None:
    """Of the main program as the engine has it, of executions as their sandbox does, also once it is stopped."""

    async def scene(call: Caller) -> None:
        await call("sandbox_create", template="base", name="api")
        wait = "until test -e /tmp/$1; do sleep 0.05; done"
        code = f"wait() {{ {wait}; }}; date +%s.%N; wait a; printf %s $(date +%s.%N); wait b; echo; date +%s.%N"
        asked = datetime.now(UTC).timestamp()
        ran = await call("sandbox_execute", sandbox_id="api", code=code, wait_s=0)

        async def see(lines: int) -> float:
            """When the beginnings of so many lines had been seen."""
            while True:
                stream = f"stream_{ran['execution_id']}"
                news = await call("execution_stream_status", stream_id=stream, wait_s=5, **{"from": 0})
                if len(news["data"].split()) == lines:
                    return datetime.now(UTC).timestamp()

        async def touch(name: str) -> float:
            """When the file was not yet there. A second after what was before it, so that times tell them apart."""
            await anyio.sleep(1)
            begun = datetime.now(UTC).timestamp()
            await call("sandbox_execute", sandbox_id="api", code=f"touch /tmp/{name}")
            return begun

        seen = [await see(1)]
        gone_on = [asked, await touch("a")]
        seen.append(await see(2))
        gone_on.append(await touch("b"))
        seen.append(await see(3))
        await call("sandbox_execute", sandbox_id="api", code="date +%s.%N > /proc/1/fd/1; printf x > /proc/1/fd/2")
        for _ in range(2):
            logs = await call("sandbox_logs", sandbox_id="api")
            told = [
                (datetime.fromisoformat(line["time"]).timestamp(), float(line["text"]))
                for line in logs["lines"]
                if line["stream"] == "stdout"
            ]
            (main, printed), (first, _), (second, _), (third, _) = told
            # Times are told in whole milliseconds.
            assert main + 0.001 > printed, logs.text
            assert first + 0.001 > datetime.fromisoformat(ran["started_at"]).timestamp()
            # A line is as old as its begin: it was there when it was seen, and not before what it waits for. Of an
            # execution times are told in hundredths of a second since it began.
            for one, other in ((0, 1), (1, 2)):
                passed = (second - first, third - second)[one]
                assert gone_on[other] - seen[one] - 0.03 < passed < seen[other] - gone_on[one] + 0.03, (seen, gone_on)
            assert {line["source"] for line in logs["lines"]} == {"main", ran["execution_id"]}
            last = datetime.fromtimestamp(third - 0.5, UTC).isoformat()
            late = await call("sandbox_logs", sandbox_id="api", execution_id=ran["execution_id"], **{"from": last})
            assert [line["text"] for line in late["lines"]] == [logs["lines"][-1]["text"]]
            # What is read from a stopped sandbox comes from its archive.
            await call("sandbox_stop", sandbox_id="api")

    play(folder, scene)


def test_what_pauses_is_waited_for(folder: Path) -> None:
    """Only for a server the answer comes before the end: what says nothing for a while may be any work."""

    async def scene(call: Caller) -> None:
        await call("sandbox_create", template="base", name="api")
        ran = await call("sandbox_execute", sandbox_id="api", code="echo begin; sleep 2; echo end; exit 3")
        assert (ran["status"], ran["stdout"], ran["exit_code"]) == ("failed", "begin\nend\n", 3)

    play(folder, scene)


def test_a_program_is_asked_to_end_before_its_sandbox_does(folder: Path) -> None:
    """The graceful shutdown of the scenario: it hears SIGTERM once, and has the time to say goodbye."""
    goodbye = """
        let asked = 0;
        process.on('SIGTERM', async () => {
          console.log('SIGTERM received, shutting down gracefully...', ++asked);
          await new Promise(done => setTimeout(done, 1000));
          console.log('closed');
          process.exit(0);
        });
        require('http').createServer().listen(3000, () => console.log('up'));
    """

    async def scene(call: Caller) -> None:
        await call("sandbox_create", template="node", name="api")
        await call("sandbox_upload", sandbox_id="api", file_path="/app/server.js", content=goodbye)
        for code in ("node /app/server.js", "true; node /app/server.js; true"):
            ran = await call("sandbox_execute", sandbox_id="api", code=code, timeout=300)
            # It listens and has said its line, so the answer does not wait for the end.
            assert (ran["status"], ran["stdout"]) == ("running", "up\n")
            assert (await call("sandbox_stop", sandbox_id="api"))["status"] == "stopped"
            logs = await call("sandbox_logs", sandbox_id="api", execution_id=ran["execution_id"])
            assert [line["text"] for line in logs["lines"] if line["stream"] == "stdout"] == [
                "up",
                "SIGTERM received, shutting down gracefully... 1",
                "closed",
            ]
            await call("sandbox_start", sandbox_id="api")

    play(folder, scene)
