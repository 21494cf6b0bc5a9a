"""What the loader builds can be written into a record and read back, whatever stands in it."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from nexusctl.model import stack as model
from nexusctl.model.record import decode, encode
from nexusctl.model.secret import SecretFile, SecretText, SecretUse
from nexusctl.model.uploads_and_packages import Package, PackageSet, Upload, UploadFile

NAMES = st.from_regex(r"[a-z0-9][a-z0-9-]{0,8}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
WORDS = st.from_regex(r"(?!-)[^\s\x00-\x1f\x7f]{1,12}", fullmatch=True).filter(lambda text: text.isprintable())
SECONDS = st.integers(1, 10**9).map(lambda milliseconds: milliseconds / 1000)


def tuples(items: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(items, max_size=3).map(tuple)


NAMED = TEXTS.map(lambda text: text.replace("/", "-")).filter(lambda text: text not in ("", ".", ".."))
BELOW = st.lists(NAMED, max_size=3).map("/".join)
ABOVE = BELOW.map(lambda path: f"/{path}")
FILES = st.builds(
    UploadFile,
    path=BELOW,
    digest=st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
    mode=st.integers(0, 0o7777),
    size=st.integers(0, 2**40),
    kind=st.sampled_from(["file", "folder", "link"]),
    link=TEXTS,
)
USES = st.builds(SecretUse, secret=NAMES, digest=TEXTS)
SANDBOXES = st.builds(
    model.Sandbox,
    name=NAMES,
    group=NAMES,
    image=WORDS,
    template=st.none() | NAMES,
    kind=st.sampled_from(["service", "task"]),
    run=st.sampled_from(["once", "changed", "always"]),
    command=st.none() | tuples(TEXTS),
    working_dir=st.none() | ABOVE,
    user=st.none() | WORDS,
    env=st.dictionaries(NAMES, TEXTS | st.builds(SecretText, parts=tuples(TEXTS | USES)), max_size=4),
    secrets=tuples(st.builds(SecretFile, secret=NAMES, name=NAMED, digest=TEXTS)),
    packages=tuples(
        st.builds(
            PackageSet,
            manager=st.sampled_from(["npm", "pip", "apt"]),
            packages=tuples(st.builds(Package, name=WORDS, version=TEXTS)),
            lock_name=BELOW,
            lock_files=tuples(FILES),
            lock_folder=st.none() | TEXTS,
            ignore_scripts=st.booleans() | st.lists(NAMES, min_size=1, max_size=3).map(tuple),
            omit=tuples(st.sampled_from(["dev", "optional", "peer"])),
        )
    ),
    uploads=tuples(
        st.builds(
            Upload,
            target=ABOVE,
            files=tuples(FILES),
            owner=st.none() | WORDS,
            source=st.none() | TEXTS,
            content=st.none() | TEXTS,
        )
    ),
    startup=st.none() | TEXTS,
    depends_on=tuples(
        st.builds(model.Dependency, sandbox=NAMES, condition=st.sampled_from(["started", "healthy", "completed"]))
    ),
    health=st.none()
    | st.builds(
        model.Health,
        command=tuples(TEXTS),
        http_port=st.none() | st.integers(1, 65535),
        http_path=TEXTS,
        tcp_port=st.none() | st.integers(1, 65535),
        interval=SECONDS,
        timeout=SECONDS,
        retries=st.integers(1, 99),
        start_period=SECONDS,
    ),
    ports=tuples(
        st.builds(
            model.Port,
            container=st.integers(1, 65535),
            host=st.none() | st.integers(1, 65535),
            address=TEXTS,
            protocol=st.sampled_from(["tcp", "udp"]),
        )
    ),
    mounts=tuples(
        st.builds(
            model.Mount, kind=st.sampled_from(["volume", "bind"]), source=TEXTS, target=ABOVE, read_only=st.booleans()
        )
    ),
    networks=tuples(NAMES),
    resources=st.builds(
        model.Resources,
        cpus=st.none() | SECONDS,
        memory=st.none() | st.integers(0, 2**50),
        pids=st.integers(1, 99_999),
    ),
    restart=st.sampled_from(["no", "on-failure", "always", "unless-stopped"]),
    timeout=st.none() | st.integers(1, 10**9),
    metadata=st.dictionaries(NAMES, TEXTS, max_size=4),
)


@settings(max_examples=60, deadline=None)
@given(SANDBOXES)
def test_a_record_read_back_is_the_sandbox_that_was_written(sandbox: model.Sandbox) -> None:
    assert decode(encode(sandbox)) == sandbox
