"""What is sensitive stands in no message, whatever else is wrong with the file that it stands in.

Every sensitive value here has `hunter` in it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from nexusctl.config.load import load
from nexusctl.errors import InputError
from nexusctl.model.inputs import Given, Inputs
from nexusctl.render.diagnostic import render_diagnostics

END = "sandboxes: {api: {image: debian}}\n"
TOKEN = "name: shop\nvariables: {token: {sensitive: true}, port: {type: integer, default: 1}}\n" + END
WORKER = "name: worker\ndescription: x\nimage: debian\nparameters:\n"
USES = "name: shop\nsandboxes: {api: {template: ./worker.yaml}}\n"
TAKES = WORKER + "  token: {sensitive: true}\n  level: {type: integer, default: 1}\n"

WRONG_FILES = {
    "an unclosed quote": {"nexus.yaml": f'name: shop\nvariables:\n  t: {{sensitive: true, default: "hunter2}}\n{END}'},
    "an unclosed brace": {"nexus.yaml": f"name: shop\nvariables:\n  t: {{sensitive: true, default: hunter2\n{END}"},
    "a stray colon": {
        "nexus.yaml": f"name: shop\nvariables:\n  t:\n    default: hunter: 2\n    sensitive: true\n{END}"
    },
    "a tab": {"nexus.yaml": f"name: shop\nvariables:\n  t:\n    sensitive: true\n\tdefault: hunter2\n{END}"},
    "a wrong indentation": {
        "nexus.yaml": f"name: shop\nvariables:\n    t:\n      sensitive: true\n   default: hunter2\n{END}"
    },
    "no indentation": {
        "nexus.yaml": f"name: shop\nvariables:\nt:\n  sensitive: true\n  default: hunter2\n   x: y\n{END}"
    },
    "a file in braces": {
        "nexus.yaml": 'name: shop\n? {variables: {t: {sensitive: true, default: "hunter2" x}}}\n: 1\n'
    },
    "an alias": {"nexus.yaml": f"name: shop\nvariables:\n  t: {{sensitive: true, default: *hunter2 }}\n{END}"},
    "a tag": {"nexus.yaml": f"name: shop\nvariables:\n  t: {{sensitive: true, default: !hunter2 x}}\n{END}"},
    "an unknown escape": {
        "nexus.yaml": f'name: shop\nvariables:\n  t: {{sensitive: true, default: "hunter\\2"}}\n{END}'
    },
    "a control character": {
        "nexus.yaml": f"name: shop\nvariables:\n  t: {{sensitive: true, default: hunter\x022}}\n{END}"
    },
    "half a character": {
        "nexus.yaml": f'name: shop\nvariables:\n  t: {{sensitive: true, default: "hunter\\ud800"}}\n{END}'
    },
    "a declaration that stands again elsewhere": {
        "nexus.yaml": "name: shop\nvariables:\n  t: {sensitive: true}\n  u: {}\n  t:\n    default: hunter2\n" + END
    },
    "a value instead of a declaration": {
        "nexus.yaml": f"name: shop\nvariables: {{t: {{sensitive: true}}}}\n{END}",
        "over.yaml": "variables: {t: hunter2}\n",
    },
    "a list instead of a declaration": {
        "nexus.yaml": f"name: shop\nvariables: {{t: {{sensitive: true}}}}\n{END}",
        "over.yaml": "variables:\n  t: [hunter2,\n    hunter3]\n",
    },
    "a default by alias": {
        "nexus.yaml": "name: shop\nvariables: {t: {sensitive: true, default: *x}}\n"
        "sandboxes: {api: {image: debian, env: {A: &x hunter2}, imge: 1}}\n",
        "over.yaml": END,
    },
    "a broken file below a file that says what is sensitive": {
        "nexus.yaml": f'name: shop\nvariables:\n  t: {{default: "hunter2" 3}}\n{END}',
        "over.yaml": "variables: {t: {sensitive: true}}\n",
    },
    "a broken file over a file that says what is sensitive": {
        "nexus.yaml": f"name: shop\nvariables: {{t: {{sensitive: true}}}}\n{END}",
        "over.yaml": 'variables: {t: {default: "hunter2" 3}}\n',
    },
    "a broken file that includes others": {
        "nexus.yaml": f'name: shop\ninclude: t.yaml\nvariables:\n  t: {{default: "hunter2" 3}}\n{END}',
        "t.yaml": "variables: {t: {sensitive: true}}\n",
    },
    "an included file": {
        "nexus.yaml": f"name: shop\ninclude: t.yaml\n{END}",
        "t.yaml": "variables: {t: {sensitive: true, default: hunter2, default: hunter3}}\n",
    },
    "a broken included file": {
        "nexus.yaml": f"name: shop\ninclude: t.yaml\n{END}",
        "t.yaml": 'variables: {t: {sensitive: true, default: "hunter2" 3}}\n',
    },
    "an included file that is missing another": {
        "nexus.yaml": f"name: shop\ninclude: [t.yaml, none.yaml]\n{END}",
        "t.yaml": "variables: {t: {sensitive: true, default: hunter2, default: hunter3}}\n",
    },
    "an unknown key of a parameter": {
        "nexus.yaml": USES,
        "worker.yaml": WORKER + "  t: {sensitive: true, default: hunter2, desc: x}\n",
    },
    "a parameter of another type": {
        "nexus.yaml": USES,
        "worker.yaml": WORKER + "  t: {type: integer, sensitive: true, default: hunter2}\n",
    },
    "a parameter that is said twice": {
        "nexus.yaml": USES,
        "worker.yaml": WORKER + "  t: {sensitive: true, default: hunter2, default: hunter3}\n",
    },
    "a broken template": {
        "nexus.yaml": USES,
        "worker.yaml": WORKER + '  t: {sensitive: true, default: "hunter2" 3}\n',
    },
    "a template over another": {
        "nexus.yaml": USES,
        "worker.yaml": "name: worker\nextends: ./low.yaml\nparameters: {t: {default: hunter2, desc: x}}\n",
        "low.yaml": "name: low\ndescription: x\nimage: debian\nparameters: {t: {sensitive: true}}\n",
    },
    "what a sandbox gives": {
        "nexus.yaml": "name: shop\nsandboxes: {api: {template: ./worker.yaml, with: {token: hunter2, level: x}}}\n",
        "worker.yaml": TAKES,
    },
    "what a sandbox gives twice": {
        "nexus.yaml": "name: shop\nsandboxes:\n  api:\n    template: ./worker.yaml\n    with:\n"
        "      token: hunter2\n      token: hunter3\n",
        "worker.yaml": TAKES,
    },
    "what a sandbox gives as another type": {
        "nexus.yaml": "name: shop\nsandboxes: {api: {template: ./worker.yaml, with: {token: [hunter2]}}}\n",
        "worker.yaml": TAKES,
    },
    "what a sandbox of several gives": {
        "nexus.yaml": "name: shop\nsandboxes:\n  api:\n    template: ./worker.yaml\n"
        "    for_each: {a: {t: hunter2, l: x}}\n"
        '    with: {token: "${each.value.t}", level: "${each.value.l}"}\n',
        "worker.yaml": TAKES,
    },
    "a broken variable file": {"nexus.yaml": TOKEN, "values": 'token: "hunter2\nport: 2\n'},
    "a variable file with a misspelt name": {"nexus.yaml": TOKEN, "values": "tokn: hunter2\n"},
    "a variable file with a wrong value": {"nexus.yaml": TOKEN, "values": "{token: hunter2, port: x}\n"},
    "a variable file with a value of another type": {"nexus.yaml": TOKEN, "values": "token: [hunter2]\n"},
    "a variable file that says it twice": {"nexus.yaml": TOKEN, "values": "token: hunter2\ntoken: hunter3\n"},
    "a variable file in no words": {"nexus.yaml": TOKEN, "values": b"token: hunter2\xff\n"},
}


@pytest.mark.parametrize("case", WRONG_FILES)
def test_a_message_shows_nothing_sensitive(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in WRONG_FILES[case].items():
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    files = [name for name in ("nexus.yaml", "over.yaml") if name in WRONG_FILES[case]]
    values = ("values",) if "values" in WRONG_FILES[case] else ()
    with pytest.raises(InputError) as caught:
        load(Inputs(files=tuple(map(Path, files)), given=Given(files=tuple(map(Path, values)))))
    said = render_diagnostics(caught.value.diagnostics)
    assert "hunter" not in said
