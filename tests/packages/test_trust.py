"""Which of this machine's settings an install gets, and in which form."""

from __future__ import annotations

from collections.abc import Mapping

from nexusctl.engine.docker.images.host_trust import BUNDLES, FOLDER, SYSTEM_BUNDLES, HostTrust, read_trust

CA = f"{FOLDER}/ca.pem"
NPMRC = f"{FOLDER}/npmrc"


def trust(environ: Mapping[str, str], **files: bytes) -> HostTrust:
    """`files` are named by what stands after the last slash of their path."""
    return read_trust(environ, lambda path: files.get(path.rpartition("/")[2].replace(".", "_").replace("-", "_")))


def test_a_bare_machine_gives_nothing() -> None:
    assert trust({}) == HostTrust()


def test_one_bundle_is_given_to_every_tool_under_its_own_variable() -> None:
    found = trust({"REQUESTS_CA_BUNDLE": "/x/corp.pem"}, corp_pem=b"CORP")
    assert found.files == {CA: b"CORP"}
    assert {found.env[name] for name in (*BUNDLES, "NODE_EXTRA_CA_CERTS")} == {CA}


def test_the_systems_own_bundle_is_used_where_no_variable_names_one() -> None:
    assert read_trust({}, {SYSTEM_BUNDLES[0]: b"SYSTEM"}.get).files == {CA: b"SYSTEM"}


def test_a_variable_that_names_no_file_is_passed_over() -> None:
    found = trust({"SSL_CERT_FILE": "/x/gone.pem", "CURL_CA_BUNDLE": "/x/corp.pem"}, corp_pem=b"CORP")
    assert found.files == {CA: b"CORP"}


def test_nodes_extra_certificates_are_not_taken_for_a_whole_bundle() -> None:
    found = trust({"NODE_EXTRA_CA_CERTS": "/x/extra.pem"}, extra_pem=b"EXTRA")
    assert found.files == {f"{FOLDER}/node-ca.pem": b"EXTRA"}
    assert found.env == {"NODE_EXTRA_CA_CERTS": f"{FOLDER}/node-ca.pem"}


def test_proxies_are_given_in_both_spellings_and_the_small_one_wins() -> None:
    found = trust({"HTTPS_PROXY": "http://big:1", "https_proxy": "http://small:1", "NO_PROXY": "127.0.0.1"})
    assert found.env["HTTPS_PROXY"] == found.env["https_proxy"] == "http://small:1"
    assert found.env["NO_PROXY"] == found.env["no_proxy"] == "127.0.0.1"
    assert not found.loopback


def test_a_proxy_on_this_machine_is_noticed() -> None:
    assert trust({"http_proxy": "http://127.0.0.1:3128"}).loopback
    assert trust({"PIP_INDEX_URL": "http://localhost:3141/simple"}).loopback
    assert not trust({"http_proxy": "http://proxy.example:3128"}).loopback


def test_folders_of_this_machine_are_left_out_of_pips_indexes() -> None:
    found = trust(
        {
            "PIP_INDEX_URL": "https://index.example/simple",
            "PIP_EXTRA_INDEX_URL": "file:///opt/simple https://more.example/simple",
            "PIP_FIND_LINKS": "/opt/wheels",
            "PIP_TRUSTED_HOST": "index.example",
        }
    )
    assert found.env == {
        "PIP_INDEX_URL": "https://index.example/simple",
        "PIP_EXTRA_INDEX_URL": "https://more.example/simple",
        "PIP_TRUSTED_HOST": "index.example",
    }


def test_the_indexes_of_uv_come_too_without_the_names_that_only_it_knows() -> None:
    found = trust(
        {"UV_DEFAULT_INDEX": "https://dev:s3cret@index.example/simple", "UV_INDEX": "own=https://own.example/s /opt/s"}
    )
    assert found.env == {
        "UV_DEFAULT_INDEX": "https://dev:s3cret@index.example/simple",
        "UV_INDEX": "https://own.example/s",
    }
    assert found.secret
    assert found.open.env["UV_DEFAULT_INDEX"] == "https://index.example/simple"


def test_npms_registries_and_passwords_go_as_a_file_and_not_as_variables() -> None:
    text = b"registry=https://npm.example/\n@team:registry = https://own.example/\n"
    text += b"//own.example/:_authToken=${TOKEN}\n# registry=x\nfund=false\n"
    found = trust({"HOME": "/home/dev", "TOKEN": "s3cret"}, _npmrc=text)
    assert found.env == {"NPM_CONFIG_USERCONFIG": NPMRC}
    assert found.files[NPMRC].decode().splitlines() == [
        "registry=https://npm.example/",
        "@team:registry=https://own.example/",
        "//own.example/:_authToken=s3cret",
    ]


def test_npms_bundle_counts_where_no_variable_names_one() -> None:
    found = trust({"HOME": "/home/dev"}, _npmrc=b"cafile=/x/corp.pem\n", corp_pem=b"CORP")
    assert found.files == {CA: b"CORP"}


def test_npms_registry_variable_is_handed_on() -> None:
    assert trust({"NPM_CONFIG_REGISTRY": "https://npm.example/"}).env == {"npm_config_registry": "https://npm.example/"}
