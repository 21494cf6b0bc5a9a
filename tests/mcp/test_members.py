"""A template that stands for several sandboxes: how its entries come into a stack file, and what they are there."""

from __future__ import annotations

import urllib.request
from pathlib import Path

import pytest
import yaml

from nexusctl.mcp.tools.members import members_of
from tests.mcp.client import Caller, nexusctl, plan_of, play

SHOP = """
name: shop
description: A page and whoever asks for it
category: web
parameters:
  greeting: {type: string}
  port: {type: integer, default: 3000}
sandboxes:
  page:
    template: node
    env: {GREETING: "${param.greeting}, $${HOME}"}
    command: [node, /app/server.js, "${param.port}"]
    ports: ["${param.port}"]
    health: {http: "${param.port}", interval: 1s}
    uploads: [{source: shop/server.js, target: /app/server.js}]
  asker:
    template: node
    depends_on: [page]
    env: {PAGE: "${sandbox.page.host}"}
"""
SERVER = """
require("http").createServer((_, answer) => answer.end(process.env.GREETING)).listen(process.argv[2]);
"""


def test_references_names_and_paths_are_those_of_the_deployment() -> None:
    found = members_of(yaml.safe_load(SHOP)["sandboxes"], "one", {"greeting": "hi", "port": 80}, "templates")
    assert list(found) == ["one-page", "one-asker"]
    page, asker = found.values()
    assert page["env"] == {"GREETING": "hi, $${HOME}"}
    assert (page["command"], page["ports"]) == (["node", "/app/server.js", 80], [80])
    assert page["health"] == {"http": 80, "interval": "1s"}
    assert page["uploads"] == [{"source": "templates/shop/server.js", "target": "/app/server.js"}]
    assert asker["env"] == {"PAGE": "${sandbox.one-page.host}"}
    assert asker["depends_on"] == ["one-page"]


def test_what_is_not_of_the_deployment_stays() -> None:
    entry = {
        "image": "x",
        "depends_on": {"other": {"condition": "started"}, "a": {"condition": "healthy"}},
        "env": {"A": "${sandbox.other.host} $${param.x} ${secret.y} n${param.n}"},
        "uploads": [{"content": "c", "target": "/c"}, {"source": "/abs", "target": "/d"}],
    }
    made = members_of({"a": entry}, "d", {"n": True}, "templates")["d-a"]
    assert made["depends_on"] == {"other": {"condition": "started"}, "d-a": {"condition": "healthy"}}
    assert made["env"] == {"A": "${sandbox.other.host} $${param.x} ${secret.y} ntrue"}
    assert made["uploads"] == entry["uploads"]
    with pytest.raises(KeyError, match="n"):
        members_of({"a": entry}, "d", {}, "templates")


@pytest.mark.engine
@pytest.mark.usefixtures("template_images")
def test_a_deployment_of_several_sandboxes(folder: Path) -> None:
    (folder / "templates" / "shop").mkdir(parents=True)
    (folder / "templates" / "shop.yaml").write_text(SHOP)
    (folder / "templates" / "shop" / "server.js").write_text(SERVER)

    async def scene(call: Caller) -> None:
        listed = await call("template_list", category="web")
        assert {one["category"] for one in listed["templates"]} == {"web"}
        # The built-in ones are of one sandbox each.
        assert [one["name"] for one in listed["templates"] if one["kind"] == "deployment"] == ["shop"]
        shown = await call("template_get", template_name="shop")
        assert shown["sandboxes"] == ["asker", "page"]
        assert shown["parameters"]["port"] == {"type": "integer", "default": 3000}

        missing = await call("template_deploy", template_name="shop", deployment_name="one")
        assert missing.is_error
        assert "the template shop needs the parameter `greeting`" in missing.text
        alone = await call("sandbox_create", template="shop", name="one")
        assert alone.is_error
        assert "stands for several sandboxes" in alone.text
        assert "template_deploy" in alone.text
        assert not (folder / "nexus.yaml").exists()

        made = await call("template_deploy", template_name="shop", deployment_name="one", variables={"greeting": "hi"})
        assert not made.is_error, made.text
        found = made["deployment"]
        assert (found["deployment_id"], found["status"]) == ("dep_one", "running")
        assert found["sandbox_ids"] == ["sb_one-page", "sb_one-asker"]
        with urllib.request.urlopen(found["endpoint"], timeout=30) as answer:
            assert answer.read() == b"hi, ${HOME}"
        code = "fetch(`http://${process.env.PAGE}:3000`).then(a => a.text()).then(t => console.log(t))"
        asked = await call("sandbox_execute", sandbox_id="sb_one-asker", code=code, language="javascript")
        assert asked["stdout"] == "hi, ${HOME}\n", asked.text
        assert (await call("sandbox_list", metadata={"deployment": "one"}))["total"] == 2
        assert plan_of(folder)["empty"]

        # One that cannot be made takes the others with it.
        broken = SHOP.replace('server.js, "', 'gone.js, "').replace("interval: 1s", "interval: 1s, retries: 2")
        (folder / "templates" / "broken.yaml").write_text(broken.replace("name: shop", "name: broken"))
        bad = await call("template_deploy", template_name="broken", deployment_name="two", variables={"greeting": ""})
        assert bad.is_error
        assert (await call("sandbox_list"))["total"] == 2
        assert plan_of(folder)["empty"]

    play(folder, scene)
    assert "one-page" in nexusctl(folder, "status").stdout
