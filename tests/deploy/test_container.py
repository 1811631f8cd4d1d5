"""The container's files: what they copy and run is there. No engine builds the image here."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import click
import pytest
import yaml

from aggregator.cli.main import main
from aggregator.config import load as config

ROOT = Path(__file__).parents[2]


def instructions() -> list[tuple[str, str]]:
    """The lines of the Containerfile, continued ones joined: keyword and the rest."""
    text = (ROOT / "deploy" / "Containerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = (line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))
    return [(keyword, rest.strip()) for keyword, _, rest in (line.partition(" ") for line in lines)]


def rests(keyword: str) -> list[str]:
    return [rest for each, rest in instructions() if each == keyword]


def test_the_container_copies_all_files_that_a_build_needs() -> None:
    """Each source exists, is in the build's context, and the build's own files are among them."""
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert ignored[0] == "*"
    sources = [
        source
        for rest in rests("COPY")
        if not rest.startswith("--from=build ")
        for source in rest.split()[:-1]
    ]
    for source in sources:
        assert (ROOT / source).exists(), source
        assert f"!{source.removeprefix('./')}" in ignored
    assert {"aggregator", "pyproject.toml", "README.md", "LICENSE"} <= set(sources)


def test_the_second_stage_takes_the_first_ones_environment() -> None:
    """At the path where it was made: scripts in it name that path."""
    first, second = rests("FROM")
    assert first == f"{second} AS build"
    assert re.fullmatch(r"docker\.io/library/python:3\.\d+-slim", second)
    assert "--from=build /opt/aggregator /opt/aggregator" in rests("COPY")
    assert any("-m venv /opt/aggregator" in rest for rest in rests("RUN"))
    assert any("PATH=/opt/aggregator/bin:$PATH" in rest for rest in rests("ENV"))


def test_the_container_runs_as_another_user_with_one_volume() -> None:
    """Not root in the last stage; what changes is in the volume."""
    assert rests("USER") == ["10001"]
    assert rests("VOLUME") == rests("WORKDIR")[-1:] == ["/data"]
    keywords = [keyword for keyword, _ in instructions()]
    assert "RUN" not in keywords[keywords.index("USER") :]


def test_the_containers_command_exists() -> None:
    """With its options; the health check requests the address that it serves."""
    (entry,) = rests("ENTRYPOINT")
    assert json.loads(entry) == ["aggregator"]
    command, *arguments = json.loads(rests("CMD")[0])
    assert isinstance(main, click.Group)
    ours = main.get_command(click.Context(main), command)
    assert ours
    known = {option for each in ours.params for option in each.opts}
    assert {argument for argument in arguments if argument.startswith("-")} <= known
    port = arguments[arguments.index("--serve") + 1].rpartition(":")[2]
    assert rests("EXPOSE") == [port]
    (health,) = rests("HEALTHCHECK")
    code = json.loads(health.partition("CMD ")[2])
    assert code[:2] == ["python", "-c"]
    assert f"http://127.0.0.1:{port}/readyz" in code[2]
    compile(code[2], "HEALTHCHECK", "exec")


def test_compose_builds_the_image_with_a_read_only_root() -> None:
    """With the volume and port that the image has, no capability, and loopback alone."""
    parsed = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8"))
    service = parsed["services"]["aggregator"]
    build = service["build"]
    context = (ROOT / "deploy" / build["context"]).resolve()
    assert context == ROOT
    assert (context / build["dockerfile"]).is_file()
    assert service["read_only"] is True
    assert service["volumes"] == ["data:/data"]
    assert list(parsed["volumes"]) == ["data"]
    assert service["ports"] == ["127.0.0.1:8000:8000"]
    assert service["cap_drop"] == ["ALL"]


def test_the_compose_file_of_many_processes_uses_existing_commands_and_one_config() -> None:
    """Two workers that poll, one that publishes, a server; each with options that its command has."""
    folder = ROOT / "deploy" / "many"
    parsed = yaml.safe_load((folder / "compose.yaml").read_text(encoding="utf-8"))
    services = parsed["services"]
    assert {*services} == {"poll", "publish", "server", "database", "storage"}
    assert services["poll"]["deploy"] == {"replicas": 2}
    assert isinstance(main, click.Group)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    known = {*project["optional-dependencies"]}
    for name in ("poll", "publish", "server"):
        service = services[name]
        build = service["build"]
        context = (folder / build["context"]).resolve()
        assert context == ROOT
        assert (context / build["dockerfile"]).is_file()
        assert {*build["args"]["EXTRAS"].split(",")} <= known
        assert service["read_only"] is True
        assert service["volumes"] == ["./config:/data/config:ro"]
        command, *arguments = service["command"]
        ours = main.get_command(click.Context(main), command)
        assert ours
        ours.make_context(command, [*arguments, "--config", "any.toml"])
    variables = services["poll"]["environment"]
    store = variables["AGGREGATOR_STORE"].replace("${DATABASE_PASSWORD:?}", "secret")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AGGREGATOR_STORE", store)
        loaded = config.load(folder / "config" / "aggregator.toml")
    assert str(loaded.store) == "postgresql://aggregator@database/aggregator"
    assert str(loaded.bucket) == "s3://feeds/planet"
    assert "mkdir -p /data/feeds" in services["storage"]["entrypoint"][-1]
