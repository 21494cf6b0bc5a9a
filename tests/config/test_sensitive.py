"""What is sensitive stands in no message, whatever else is wrong with the file that it stands in.

Every sensitive value here has `hunter` in it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from nexusctl.config.export.origins import find_origins
from nexusctl.config.export.standalone import resolved
from nexusctl.config.load import load, load_whole
from nexusctl.errors import InputError
from nexusctl.model.load_request import Given, Inputs
from nexusctl.model.record import encode
from nexusctl.model.secret import Secret, SecretFile, SecretUse, reveal_text
from nexusctl.model.stack import Stack
from nexusctl.render.diagnostic import render_diagnostics
from nexusctl.render.origin import render_origins
from nexusctl.render.yaml_text import render_yaml

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
    **{
        f"{what} in what a sandbox gives": {"nexus.yaml": f"name: shop\nsandboxes:\n{text}", "worker.yaml": TAKES}
        for what, text in {
            "a syntax error": '  a: {template: ./worker.yaml, with: {token: "hunter2" 3}}\n',
            "a syntax error lines below": "  a:\n    template: ./worker.yaml\n    with:\n      level: 1\n"
            '      token: "hunter2" 3\n',
            "a stray colon": "  a:\n    template: ./worker.yaml\n    with:\n      token: hunter: 2\n",
            "a wrong indentation": "  a:\n    template: ./worker.yaml\n    with:\n    token: hunter2\n     level: 3\n",
            "a tab": "  a:\n    template: ./worker.yaml\n    with:\n\ttoken: hunter2\n",
            "an alias": "  a: {template: ./worker.yaml, with: {token: *hunter2 }}\n",
            "a tag": "  a: {template: ./worker.yaml, with: {token: !hunter2 x}}\n",
            "an unknown escape": '  a: {template: ./worker.yaml, with: {token: "hunter\\2"}}\n',
            "a control character": "  a: {template: ./worker.yaml, with: {token: hunter\x012}}\n",
            "an unclosed brace": "  a: {template: ./worker.yaml, with: {level: 3,\n  token: hunter2 , x: [}}\n",
            "a wrong reference": '  a: {template: ./worker.yaml, with: {token: "hunter2${var.nope}"}}\n',
            "a reference that is not closed": '  a: {template: ./worker.yaml, with: {token: "${hunter2"}}\n',
            "a misspelt name": "  a: {template: ./worker.yaml, with: {tokn: hunter2}}\n",
        }.items()
    },
    **{
        f"{what} beside what a sandbox gives": {
            "nexus.yaml": f"name: shop\nsandboxes:\n  a: {{{text}}}\n",
            "worker.yaml": TAKES,
        }
        for what, text in {
            "a misspelt template": "template: ./workr.yaml, with: {token: hunter2}",
            "a misspelt key": "templat: ./worker.yaml, with: {token: hunter2}",
            "a misspelt key for it": "template: ./worker.yaml, wiht: {token: hunter2}",
            "a text instead": "template: ./worker.yaml, with: hunter2",
            "a list instead": "template: ./worker.yaml, with: [hunter2]",
            "a template of no type": "template: [./worker.yaml], with: {token: hunter2}",
            "a template of no value": 'template: "${var.nope}", with: {token: hunter2}',
        }.items()
    },
    "what a sandbox gives to a broken template": {
        "nexus.yaml": "name: shop\nsandboxes: {a: {template: ./worker.yaml, with: {token: hunter2}, imge: x}}\n",
        "worker.yaml": TAKES + "  x: [\n",
    },
    **{
        f"{what} in what several sandboxes give": {
            "nexus.yaml": f"name: shop\nsandboxes:\n  a:\n    template: ./worker.yaml\n{text}",
            "worker.yaml": TAKES,
        }
        for what, text in {
            "a wrong name": '    for_each: {N_: {t: hunter2}}\n    with: {token: "${each.value.t}"}\n',
            "an absent key": '    for_each: {n: {t: hunter2}}\n    with: {token: "${each.value.tt}"}\n',
            "a part of a text": "    for_each: {n: {t: hunter2, l: x}}\n"
            '    with: {token: "<${each.value.t}>", level: "${each.value.l}"}\n',
            "a whole": '    for_each: {n: {token: hunter2, level: x}}\n    with: "${each.value}"\n',
            "a misspelt parameter": '    for_each: {n: {tokn: hunter2}}\n    with: "${each.value}"\n',
            "a syntax error": '    with: {token: "${each.value}"}\n    for_each: {n: "hunter2" x}\n',
            "a syntax error lines below": '    with: {token: "${each.value}"}\n'
            '    for_each:\n      n: x\n      m: "hunter2" x\n',
            "a misspelt for_each": '    with: {token: "${each.value}"}\n    for_eahc: {n: hunter2}\n',
            "replicas": '    with: {token: "${each.value}"}\n    for_each: {n: hunter2}\n    replicas: 2\n',
            "no template": '    with: {token: "${each.value}"}\n    for_each: {N_: hunter2}\n    template: null\n',
            "another template": '    for_each: {N_: hunter2}\n    with: {token: "${each.value}"}\n    tmeplate: x\n',
            "a key twice": '    for_each: {n: hunter2, n: hunter3}\n    with: {token: "${each.value}"}\n',
        }.items()
    },
    "what two sandboxes give in one line": {
        "nexus.yaml": "name: shop\nsandboxes: {a: {template: ./worker.yaml, with: {level: 1}, imge: x},"
        " b: {template: ./none.yaml, with: {token: hunter2}, imge: x}}\n",
        "worker.yaml": TAKES,
    },
    "what a sandbox gives beside a file that is missing": {
        "nexus.yaml": "name: shop\ninclude: none.yaml\n"
        "sandboxes: {a: {template: ./worker.yaml, with: {token: hunter2}, imge: x}}\n",
        "worker.yaml": TAKES,
    },
    "JSON that is broken": {
        "nexus.yaml": '{"name":"shop","sandboxes":{\n"a":{\n"template":"./worker.yaml",\n"with":{\n'
        '"token":"hunter2" "level":"x"}}}',
        "worker.yaml": TAKES,
    },
    "a broken variable file": {"nexus.yaml": TOKEN, "values": 'token: "hunter2\nport: 2\n'},
    "a variable file with a misspelt name": {"nexus.yaml": TOKEN, "values": "tokn: hunter2\n"},
    "a variable file with a wrong value": {"nexus.yaml": TOKEN, "values": "{token: hunter2, port: x}\n"},
    "a variable file with a value of another type": {"nexus.yaml": TOKEN, "values": "token: [hunter2]\n"},
    "a variable file that says it twice": {"nexus.yaml": TOKEN, "values": "token: hunter2\ntoken: hunter3\n"},
    "a variable file in no words": {"nexus.yaml": TOKEN, "values": b"token: hunter2\xff\n"},
}

# What may be a password that somebody did not escape, or belong to one.
REFERENCES = {
    "what is to be said": "${env.NO_SUCH_THING:?it is hunter2}",
    "what is to be said, in what stands in": "${env.NO_SUCH_THING:-${env.NO_SUCH_THING:?hunter2}}",
    "what stands in for a variable": "${var.level:-hunter2}",
    "what stands in for a list": "<${env.NO_SUCH_THING:-hunter2${var.list}}>",
    "what stands in for a file": "${file:./a:-hunter2}",
    "what stands in for a part": "${each.value.x:-hunter2}",
    "what stands in for nothing": "${var:-hunter2}",
    "what is no namespace": "${hunter2.x}",
    "what is nothing but a name": "${hunter2}",
    "what is no word": "${hunter 2}",
    "what is long": "${" + "hunter" * 20 + " }",
    "what is in the shell's words": "${env.A#hunter2}",
    "what is in the shell's other words": "${env.A?hunter2}",
    "what is in brackets": "${var.x[hunter]}",
    "what is inside of another": "${var.${hunter}}",
    "what has a colon": "${var.level:hunter2}",
    "what has spaces": "${ hunter2 }",
    "what has spaces as a file": "${file: hunter2}",
    "what has too many words": "${secret.x.hunter2}",
    "what is said to be encrypted": "${ENCRYPTED:hunter 2}",
    "what is of a sandbox": "${sandbox.api:hunter2}",
    "what lies deep": "".join(f"${{env.A{n}:-" for n in range(12)) + "hunter2" + "}" * 12,
    "what is never closed": "${hunter2",
}

DECLARING = "variables: {level: {default: 1}, list: {default: [a]}, "
WRONG_FILES |= {
    f"{what} {where}": {
        "nexus.yaml": text.replace("@", reference),
        "worker.yaml": TAKES.replace("level: {", "level: {sensitive: false, "),
    }
    for what, reference in REFERENCES.items()
    for where, text in {
        "in a default": f"name: shop\n{DECLARING}pin: {{sensitive: true, default: '@'}}}}\n{END}",
        "in a block": f"name: shop\n{DECLARING}pin: \n    {{sensitive: true, default:\n   'x\n   @\n   y'}}}}\n{END}",
        "in what is given": f"name: shop\n{DECLARING}}}\nsandboxes:\n"
        "  a: {template: ./worker.yaml, with: {token: '@'}}\n",
        "in what for_each has": f"name: shop\n{DECLARING}}}\nsandboxes:\n  a:\n    template: ./worker.yaml\n"
        "    for_each: {n: {t: '@'}}\n    with: {token: '${each.value.t}'}\n",
    }.items()
}
WRONG_FILES |= {
    f"{what} in a template": {
        "nexus.yaml": USES,
        "worker.yaml": f"{WORKER}  token: {{sensitive: true, default: '{reference}'}}\n",
    }
    for what, reference in REFERENCES.items()
    # A template refers to parameters only.
    if "${env.A:-" not in reference and "${file" not in reference
}


def test_what_is_to_be_said_is_said_where_nothing_is_sensitive(tmp_path: Path) -> None:
    file = tmp_path / "nexus.yaml"
    file.write_text(
        "name: shop\nvariables:\n  pin: {sensitive: true, default: '${env.NO_SUCH_PIN:?hunter2}'}\n"
        "sandboxes:\n  a: {image: debian, env: {A: '${env.NO_SUCH_THING:?ask the owner}', B: '${prot 1}'}}\n"
    )
    with pytest.raises(InputError) as caught:
        load(file)
    said = render_diagnostics(caught.value.diagnostics)
    assert "`env.NO_SUCH_THING` is needed: ask the owner" in said
    assert "`${prot 1}` is no reference" in said
    assert "`env.NO_SUCH_PIN` is needed\n" in said
    assert "hunter" not in said


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


GIVING = """
name: shop
variables:
  t: {sensitive: true, default: hunter-of-t}
  u: {sensitive: true, default: "hunter-before:${var.t}"}
  regions: {type: map, sensitive: true, default: {n: hunter-n}}
secrets: {s: {env: S}}
sandboxes:
  a: {template: ./worker.yaml}
  b: {template: ./worker.yaml, with: {token: hunter-of-b}}
  c: {template: ./worker.yaml, with: {token: "${var.t}", pin: 1234}}
  d: {template: ./worker.yaml, with: {token: "${secret.s}", pin: "${var.t}"}}
  e: {template: ./worker.yaml, for_each: {n: hunter-en, m: hunter-em}, with: {token: "${each.value}"}}
  g: {template: ./worker.yaml, for_each: [x], with: {token: hunter-of-g}}
  h: {template: ./worker.yaml, profiles: [off], with: {token: hunter-of-h}}
  f: {template: ./worker.yaml, for_each: {n: 1}, with: {token: "<${var.regions.n}>"}, env: {URL: mine}}
  i: {template: ./worker.yaml, with: {token: "hunter-before:${secret.s}@hunter-behind"}}
  j: {template: ./worker.yaml, for_each: [x], with: {token: "hunter-before${each.key}${secret.s}"}}
  k: {image: debian, env: {T: "${var.u}"}}
  l:
    template: ./worker.yaml
    for_each: {n: {of: {l: hunter-ln}, size: 1g}, "2": {of: {l: "hunter-l2:${var.t}"}, size: 2g}}
    with: {token: "${env.NO_SUCH_THING:-<${each.value.of.l}>}"}
    resources: {memory: "${each.value.size}"}
  o: {template: ./worker.yaml, for_each: {n: {token: hunter-on, pin: 1234}}, with: "${each.value}"}
  p: {template: ./worker.yaml, for_each: {n: public}, with: {token: "${each.value}"}, working_dir: "/${each.value}"}
  q: {template: ./worker.yaml, profiles: [off], for_each: {n: hunter-qn}, with: {token: "${each.value}"}}
"""
TAKING = """
name: worker
description: Works
image: debian
parameters:
  token: {sensitive: true, default: hunter-of-template}
  pin: {sensitive: true, type: integer, default: 0}
defaults:
  env: {TOKEN: "${param.token}", URL: "https://me:${param.token}@there/${param.pin}"}
"""


def given_stack(folder: Path) -> Path:
    (folder / "worker.yaml").write_text(TAKING)
    (folder / "nexus.yaml").write_text(GIVING)
    return folder / "nexus.yaml"


def env_of(stack: Stack, sandbox: str) -> dict[str, str]:
    """The variables of a sandbox as it would get them; the secret of the environment is in angle brackets."""

    def reveal(use: SecretUse | SecretFile) -> Secret:
        return stack.secrets[use.secret].given or Secret(f"<{use.secret}>".encode())

    return {key: reveal_text(text, reveal).decode() for key, text in stack.sandboxes[sandbox].env.items()}


def test_each_sandbox_gets_its_own_sensitive_parameters(tmp_path: Path) -> None:
    stack = load(given_stack(tmp_path))
    found = {name: env_of(stack, name) for name in stack.sandboxes}
    assert {name: env["TOKEN"] for name, env in found.items() if "TOKEN" in env} == {
        "a": "hunter-of-template",
        "b": "hunter-of-b",
        "c": "hunter-of-t",
        "d": "<s>",
        "e-n": "hunter-en",
        "e-m": "hunter-em",
        "g-x": "hunter-of-g",
        "f-n": "<hunter-n>",
        "i": "hunter-before:<s>@hunter-behind",
        "j-x": "hunter-beforex<s>",
        "l-n": "<hunter-ln>",
        "l-2": "<hunter-l2:hunter-of-t>",
        "o-n": "hunter-on",
        "p-n": "public",
    }
    assert found["k"]["T"] == "hunter-before:hunter-of-t"
    assert found["c"]["URL"] == "https://me:hunter-of-t@there/1234"
    assert found["d"]["URL"] == "https://me:<s>@there/hunter-of-t"
    assert found["f-n"]["URL"] == "mine"


def test_what_stands_beside_a_secret_in_a_sensitive_value_is_not_recorded(tmp_path: Path) -> None:
    stack = load(given_stack(tmp_path))
    written = "".join(encode(sandbox) for sandbox in stack.sandboxes.values())
    assert '"TOKEN"' in written
    assert "hunter" not in written


def test_a_sensitive_parameter_shows_nowhere_in_what_config_prints(tmp_path: Path) -> None:
    loaded = load_whole(Inputs(files=(given_stack(tmp_path),)))
    values = resolved(loaded)
    told = render_yaml(values) + render_origins(find_origins(loaded))
    assert "hunter" not in told
    assert "1234" not in told
    assert values["sandboxes"]["p"]["for_each"] == {"n": "public"}, "what anybody may read elsewhere stays"
    (tmp_path / "again").mkdir()
    again = tmp_path / "again" / "nexus.yaml"
    again.write_text(render_yaml(values))
    needed = {
        "e_m": "hunter-em",
        "e_n": "hunter-en",
        "l_2_of_l": "hunter-l2:",
        "l_n_of_l": "hunter-ln",
        "l_token": "<",
        "l_token_": ">",
        "o_n_pin": "1234",
        "o_n_token": "hunter-on",
        "q_n": "hunter-qn",
        "t": "hunter-of-t",
        "regions": "{n: hunter-n}",
        "b_token": "hunter-of-b",
        "c_pin": "1234",
        "f_token": "<",
        "f_token_": ">",
        "g_token": "hunter-of-g",
        "h_token": "hunter-of-h",
        "i_token": "hunter-before:",
        "i_token_": "@hunter-behind",
        "j_token": "hunter-before",
        "u": "hunter-before:hunter-of-t",
    }
    stack = load(Inputs(files=(again,), given=Given(values=needed)))
    expected = load(tmp_path / "nexus.yaml")
    for name in expected.sandboxes:
        assert env_of(stack, name) == env_of(expected, name)


def test_what_a_sensitive_parameter_was_set_over_is_not_shown(tmp_path: Path) -> None:
    base, over = given_stack(tmp_path), tmp_path / "over.yaml"
    over.write_text("sandboxes: {b: {with: {token: '${var.t}'}}, c: {with: {token: hunter-of-over}}}\n")
    told = render_origins(find_origins(load_whole(Inputs(files=(base, over)))))
    assert "sandboxes.b.with.token" in told
    assert "hunter" not in told


def test_what_a_file_above_deletes_or_replaces_as_a_whole_is_not_shown(tmp_path: Path) -> None:
    base, over = given_stack(tmp_path), tmp_path / "over.yaml"
    more = "  w: {template: ./worker.yaml, for_each: {n: {token: hunter-n}}, with: {token: hunter-w}}\n"
    base.write_text(GIVING + more)
    over.write_text(
        "variables: {u: null}\n"
        "sandboxes: {b: {with: {token: null}}, c: {with: null}, e: null, i: null, k: null,"
        ' w: {with: "${each.value}"}}\n'
    )
    told = render_origins(find_origins(load_whole(Inputs(files=(base, over)))))
    for deleted in ("variables.u", "sandboxes.b.with.token", "sandboxes.c.with", "sandboxes.e"):
        assert f"{deleted}: deleted" in told
    assert "hunter" not in told
    assert "1234" not in told


def test_what_is_given_to_a_template_that_nobody_can_read_is_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "nexus.yaml"
    file.write_text(
        "name: shop\nsandboxes:\n  k: {image: debian}\n"
        "  a: {template: ./none.yaml, profiles: [off], with: {level: hunter2}}\n"
        '  b: {template: ./none.yaml, profiles: [off], for_each: {n: hunter3}, with: {level: "${each.value}"}}\n'
    )
    loaded = load_whole(Inputs(files=(file,)))
    assert "hunter" not in render_yaml(resolved(loaded)) + render_origins(find_origins(loaded))
