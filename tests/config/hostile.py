"""Files that nobody writes by accident: small ones that expand, large ones, deep ones, broken ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping

MIB = 1024 * 1024
HEAD = "name: x\nsandboxes:\n"


def _filled(line: str, head: str = HEAD, tail: str = "") -> bytes:
    """As many numbered `line`s as go into 1 MiB."""
    lines, size, number = [head], len(head) + len(tail), 0
    while True:
        text = line.replace("@", str(number))
        size += len(text)
        if size > MIB:
            return ("".join(lines) + tail).encode()
        lines.append(text)
        number += 1


def _counted(count: int, line: str, head: str = HEAD, tail: str = "") -> bytes:
    """So many numbered `line`s, just few enough that the limit on values does not end it."""
    return (head + "".join(line.replace("@", str(n)) for n in range(count)) + tail).encode()


def _bomb() -> bytes:
    """The nine lists of nine aliases that hold a billion words."""
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10)]
    return "".join(lines).encode()


def _merge_bomb() -> bytes:
    wide = "base: &base {" + ", ".join(f"k{n}: 1" for n in range(20_000)) + "}\n"
    return (wide + "many:\n" + "".join(f"  m{n}: {{<<: *base}}\n" for n in range(20_000))).encode()


def _dense() -> bytes:
    names = [f"s{n}" for n in range(200)]
    return (HEAD + "".join(f"  {name}: {{image: a, depends_on: [{', '.join(names)}]}}\n" for name in names)).encode()


VARIABLES = "variables: {a: {default: x}}\n" + HEAD + "  a:\n    image: a\n"


def _doubling_variables() -> bytes:
    """A text that each of 25 variables doubles."""
    lines = [f"  v{n}: {{default: '${{var.v{n + 1}}}${{var.v{n + 1}}}'}}\n" for n in range(25)]
    return ("variables:\n" + "".join(lines) + "  v25: {default: x}\n" + HEAD).encode()


def _variable_chain() -> bytes:
    """Each of many variables is the one behind it."""
    lines = [f"  v{n}: {{default: '${{var.v{n + 1}}}'}}\n" for n in range(9_000)]
    return ("variables:\n" + "".join(lines) + "  v9000: {default: x}\n" + HEAD).encode()


def _dense_references() -> bytes:
    """Two hundred sandboxes that each name all."""
    text = "".join(f"${{sandbox.s{n}.host}}" for n in range(200))
    return (HEAD + "".join(f"  s{n}: {{image: a, env: {{A: '{text}'}}}}\n" for n in range(200))).encode()


def _doubling_lists() -> bytes:
    """A list that each of 25 variables doubles."""
    lines = [f"  v{n}: {{type: list, default: ['${{var.v{n + 1}}}', '${{var.v{n + 1}}}']}}\n" for n in range(25)]
    return ("variables:\n" + "".join(lines) + "  v25: {type: list, default: [x]}\n" + HEAD).encode()


FILES: Mapping[str, Callable[[], bytes]] = {
    "fifty-thousand-brackets": lambda: b"[" * 50_000,
    "fifty-thousand-brackets-on-lines": lambda: b"[\n" * 50_000,
    "fifty-thousand-braces": lambda: b"{a: " * 50_000,
    "fifty-thousand-dashes": lambda: b"- " * 50_000,
    "fifty-thousand-question-marks": lambda: b"? " * 50_000,
    "deep-indentation": lambda: "".join(" " * n + f"k{n}:\n" for n in range(1_400)).encode(),
    "alias-bomb": _bomb,
    "merge-bomb": _merge_bomb,
    "alias-to-itself": lambda: b"a: &a [*a]\n",
    "many-anchors": lambda: _filled("k@: &a@ 1\n", ""),
    "many-sandboxes": lambda: _filled("  s@: {image: a}\n"),
    "almost-too-many-sandboxes": lambda: _counted(9_900, "  s@: {image: a}\n"),
    "almost-too-many-wrong-sandboxes": lambda: _counted(11_900, "  s@: {imge: a}\n"),
    "almost-too-many-unknown-keys": lambda: _counted(29_000, "    key@: a\n", HEAD + "  a:\n    image: a\n"),
    "almost-too-many-variables": lambda: _counted(29_000, "      K@: 1\n", HEAD + "  a:\n    image: a\n    env:\n"),
    "very-many-sensitive-variables": lambda: _counted(9_000, "  a@: {sensitive: true, default: x}\n", "variables:\n"),
    "almost-too-many-wrong-variables": lambda: _counted(
        29_000, "      K@: no\n", HEAD + "  a:\n    image: a\n    env:\n"
    ),
    "almost-too-many-arguments": lambda: _counted(59_000, "a,", HEAD + "  a:\n    image: a\n    command: [", "]\n"),
    "almost-too-many-wrong-arguments": lambda: _counted(59_000, "[],", HEAD + "  a: {image: a, command: [", "]}\n"),
    "almost-too-many-dependencies": lambda: _counted(59_000, "s@,", HEAD + "  a: {image: a, depends_on: [", "]}\n"),
    "almost-too-many-ports": lambda: _counted(59_000, "3000,", HEAD + "  a: {image: a, ports: [", "]}\n"),
    "almost-too-many-wrong-ports": lambda: _counted(59_000, "x,", HEAD + "  a: {image: a, ports: [", "]}\n"),
    "almost-too-many-uploads": lambda: _counted(
        8_000, "{content: a, target: /a@},", HEAD + "  a: {image: a, uploads: [", "]}\n"
    ),
    "almost-too-many-packages": lambda: _counted(59_000, "p@,", HEAD + "  a: {image: a, packages: {npm: [", "]}}\n"),
    "almost-too-many-replicas": lambda: _counted(10, "  s@: {image: a, replicas: 1000}\n"),
    "almost-too-many-replicas-with-ports": lambda: _counted(10, "  s@: {image: a, replicas: 1000, ports: [3@:3]}\n"),
    "almost-too-many-references": lambda: _counted(29_000, "      K@: ${var.a}\n", VARIABLES + "    env:\n"),
    "almost-too-many-wrong-references": lambda: _counted(29_000, "      K@: x${var.@}\n", VARIABLES + "    env:\n"),
    "many-references-in-a-text": lambda: _filled("${var.a}", VARIABLES + "    startup: ", "\n"),
    "many-wrong-references-in-a-text": lambda: _filled("${var.b@}", VARIABLES + "    startup: ", "\n"),
    "many-openings": lambda: _filled("${", VARIABLES + "    startup: ", "\n"),
    "many-escaped-openings": lambda: _filled("$${", VARIABLES + "    startup: ", "\n"),
    "nested-references": lambda: _filled("${env.A:-", VARIABLES + "    startup: ", "\n"),
    "nested-closed-references": (VARIABLES + "    startup: " + "${env.A_:-" * 90_000 + "}" * 90_000 + "\n").encode,
    "doubling-variables": _doubling_variables,
    "doubling-lists": _doubling_lists,
    "large-text-in-many-places": lambda: _counted(
        900,
        "      K@: ${var.b}\n",
        "variables: {a: {default: x}, b: {default: " + "x" * 900_000 + "}}\n" + HEAD + "  a:\n    image: a\n    env:\n",
    ),
    "a-chain-of-variables": _variable_chain,
    "many-keys-of-for-each": lambda: _filled("k@: 1, ", HEAD + "  a: {image: a, for_each: {", "}}\n"),
    "almost-too-many-keys-of-for-each": lambda: _counted(
        9_900, "k@: 1, ", HEAD + "  a: {image: a, env: {K: '${each.key}'}, for_each: {", "}}\n"
    ),
    "for-each-of-a-large-sandbox": lambda: _counted(
        29_000, "      K@: 1\n", HEAD + "  a:\n    image: a\n    for_each: [a, b, c, d]\n    env:\n"
    ),
    "for-each-of-for-each": lambda: _counted(
        1_000,
        "  s@: {image: a, for_each: '${var.a}', env: {A: '${each.value}'}}\n",
        "variables: {a: {type: list, default: [" + "a, " * 999 + "b]}}\n" + HEAD,
    ),
    "almost-too-many-sandbox-references": lambda: _counted(
        20_000,
        "      K@: ${sandbox.b.endpoint}\n",
        HEAD + "  b: {image: b, ports: [80]}\n  a:\n    image: a\n    env:\n",
    ),
    "every-sandbox-refers-to-every-other": _dense_references,
    "a-chain-of-ports": lambda: _counted(3_000, "  s@: {image: a, ports: ['${sandbox.s1@.port.80}']}\n"),
    "many-outputs": lambda: _filled("  o@: ${sandbox.a.endpoint}\n", HEAD + "  a: {image: a, ports: [80]}\noutputs:\n"),
    "pattern-that-never-ends": ("variables: {a: {pattern: (a|a)*b, default: " + "a" * 60 + "}}\n" + HEAD).encode,
    "many-patterns-that-never-end": lambda: _counted(
        1_000, "  a@: {pattern: (a|a)*b, default: " + "a" * 60 + "}\n", "variables:\n", HEAD
    ),
    "ignore-that-never-ends": (
        HEAD + "  a: {image: a, uploads: [{source: ., target: /x, ignore: ['" + "*a" * 20 + "b']}]}\n"
    ).encode,
    "a-chain": lambda: _counted(8_000, "  s@: {image: a, depends_on: [s@]}\n").replace(b"[s", b"[s1"),
    "replicas-of-replicas": lambda: _counted(
        9, "  s@: {image: a, replicas: 1000, depends_on: [t]}\n", HEAD + "  t: {image: a, replicas: 1000}\n"
    ),
    "many-wrong-sandboxes": lambda: _filled("  s@: {imge: a}\n"),
    "many-unknown-keys": lambda: _filled("    key@: a\n", HEAD + "  a:\n    image: a\n"),
    "many-unknown-top-keys": lambda: _filled("key@: a\n", "name: x\n"),
    "many-unknown-top-keys-of-nothing": lambda: _filled("sandbxyz@: a\n", ""),
    "many-unknown-top-keys-in-braces": lambda: _filled("sandbxyz@: a,\n", "{", "}"),
    "many-duplicate-keys": lambda: _filled("name: a\n", ""),
    "many-variables": lambda: _filled("      K@: 1\n", HEAD + "  a:\n    image: a\n    env:\n"),
    "many-wrong-variables": lambda: _filled("      K-@: no\n", HEAD + "  a:\n    image: a\n    env:\n"),
    "many-arguments": lambda: _filled("a,", HEAD + "  a:\n    image: a\n    command: [", "]\n"),
    "many-wrong-arguments": lambda: _filled("[],", HEAD + "  a:\n    image: a\n    command: [", "]\n"),
    "many-unknown-dependencies": lambda: _filled("s@,", HEAD + "  a:\n    image: a\n    depends_on: [", "]\n"),
    "many-cycles": _dense,
    "many-replicas": lambda: _filled("  s@: {image: a, replicas: 1000}\n"),
    "many-documents": lambda: b"---\n" * 200_000,
    "one-word": lambda: b"a" * MIB,
    "one-quoted-word": lambda: b'name: "' + b"a" * (MIB - 10) + b'"\n',
    "one-unclosed-quote": lambda: b'name: "' + b"a\n" * 500_000,
    "one-number": lambda: b"name: " + b"1" * (MIB - 10),
    "one-duration": (HEAD + "  a: {image: a, timeout: " + "1m" * 500_000 + "x}\n").encode,
    "one-duration-of-digits": (HEAD + "  a: {image: a, timeout: '" + "1" * 1_000_000 + "'}\n").encode,
    "one-image": (HEAD + "  a: {image: '" + "a." * 500_000 + "!'}\n").encode,
    "one-name-of-words": lambda: b"name: '" + b"A " * 500_000 + b"'\n",
    "lines-that-a-text-swallows": (HEAD + "  a:\n    image: a\n" + "      - b\n" * 100_000).encode,
    "words-without-a-colon": lambda: b"word\n" * 200_000 + b"b: 1\n",
    "one-size": (HEAD + "  a: {image: a, resources: {memory: " + "1" * 1_000_000 + "x}}\n").encode,
    "one-package": (HEAD + "  a: {image: a, packages: {pip: [" + "a." * 500_000 + "]}}\n").encode,
    "one-value-too-long": (HEAD + "  a: {image: a, env: {A: " + "x" * 1_000_000 + "}}\n").encode,
    "one-comment": lambda: b"name: x\n#" + b"a" * (MIB - 20) + b"\n",
    "empty-lines": lambda: b"\n" * MIB,
    "spaces": lambda: b" " * MIB,
    "tabs": lambda: b"\t" * MIB,
    "colons": lambda: b": " * (MIB // 2),
    "ampersands": lambda: b"&a " * 300_000,
    "percent-lines": lambda: b"%YAML 1.2\n" * 100_000,
    "nul-characters": lambda: b"\0" * MIB,
    "utf-16": lambda: ("name: x\n" * 60_000).encode("utf-16"),
    "half-utf-16": lambda: "name: x\n".encode("utf-16")[:-1],
    "latin-1": lambda: "name: caf\xe9\n".encode("latin-1"),
    "random-bytes": lambda: bytes((n * 7919 + n // 256) % 256 for n in range(MIB)),
    "too-large": lambda: b"#" * (MIB + 1),
    "empty": lambda: b"",
    "only-a-bom": lambda: b"\xef\xbb\xbf",
}
