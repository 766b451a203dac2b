"""No engine runs where tests run, so the images' own steps are done without one."""

from __future__ import annotations

import fnmatch
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from tools import ROOT, lacks, tool

FILES = ("Dockerfile", "deploy/Dockerfile.train")
PACKAGES: list[str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]


def said(*command: str | Path, **more: Any) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, **more)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("file", [*FILES, "deploy/Dockerfile.serve"])
def test_hadolint_finds_nothing_in_our_dockerfiles(file: str) -> None:
    said(tool("hadolint"), file, cwd=ROOT)


@pytest.mark.parametrize("file", ["deploy/compose.yaml", "deploy/compose.traces.yaml"])
def test_dclint_finds_nothing_in_the_compose_files(file: str) -> None:
    said(tool("dclint"), "-c", "deploy/lint/dclint.json", "--max-warnings", "0", file, cwd=ROOT)


@pytest.mark.parametrize("file", FILES)
def test_an_image_runs_as_nobody_in_particular_and_asks_itself_whether_it_is_well(file: str) -> None:
    last = (ROOT / file).read_text().split("\nFROM ")[-1]
    assert re.search(r"^USER 10001:10001$", last, re.MULTILINE)
    probe = re.search(r'CMD \["python", "-c", "(.+)"\]$', last, re.MULTILINE)
    assert probe
    assert "/healthz" in probe[1]
    compile(probe[1], file, "exec")
    assert re.search(r'^ENTRYPOINT \["twin"\]$', last, re.MULTILINE)


@pytest.mark.parametrize("package", sorted({name.split(".")[0] for name in PACKAGES}))
def test_the_images_are_given_every_package_of_ours_and_nothing_secret(package: str) -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert f"!{package}" in lines
    allowed = [line.removeprefix("!") for line in lines if line.startswith("!")]
    for secret in (".env", "data", ".git", "demo", "tests"):
        assert not any(fnmatch.fnmatch(secret, pattern) for pattern in allowed)
    assert lines[1] == "*"


def test_every_service_of_the_compose_file_gives_up_what_it_does_not_need() -> None:
    services = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())["services"]
    for name, service in services.items():
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service.get("read_only") or name in ("vllm", "postgres"), name
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:"), f"{name} would be open to the network"
        assert ":" in service["image"], f"{name} has no version"
    assert "profiles" not in services["twin"]
    assert {profile for one in services.values() for profile in one.get("profiles", ())} >= {
        *("postgres", "redis", "gpu", "monitoring")
    }


def test_nobody_but_the_brain_reaches_the_model_server() -> None:
    compose = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())
    beside = [name for name, one in compose["services"].items() if "brain" in one["networks"]]
    assert set(beside) == {"twin", "schedule", "vllm"}
    assert compose["networks"]["brain"] == {"internal": True}
    assert "ports" not in compose["services"]["vllm"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As the Dockerfile makes it: from what .dockerignore lets through."""
    source, made = tmp_path_factory.mktemp("src"), tmp_path_factory.mktemp("dist")
    given = [
        name.removeprefix("!") for name in (ROOT / ".dockerignore").read_text().split() if name[0] == "!"
    ]
    for name in given:
        for path in ROOT.glob(name):
            said("cp", "-r", path, source)
    said(
        *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"),
        *("--wheel-dir", made, source),
    )
    return next(made.glob("*.whl"))


def test_the_wheel_holds_every_file_of_our_packages(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    ours = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package.replace(".", "/")).iterdir()
        if path.is_file() and path.suffix != ".pyc"
    }
    assert ours - held == set()
    kinds = {Path(name).suffix for name in held}
    assert {".py", ".jinja", ".txt", ".html", ".json"} <= kinds
    assert not {name for name in held if name.startswith(("tests/", "benchmarks/"))}


def test_the_bots_image_is_the_wheel_and_the_hashed_packages_and_starts_without_torch(
    wheel: Path, tmp_path: Path
) -> None:
    uv, clean = tool("uv"), tmp_path / "venv"
    said(uv, "venv", "--quiet", "--python", sys.executable, clean)
    python, twin = clean / "bin/python", clean / "bin/twin"
    install = [uv, "pip", "install", "--quiet", "--python", python, "--no-deps"]
    hashed = [*install, "--require-hashes", "-r", ROOT / "deploy/requirements-bot.txt"]
    done = subprocess.run(hashed, capture_output=True, text=True, timeout=120)
    if "error sending request" in done.stderr:
        lacks("network")
    assert done.returncode == 0, done.stderr
    said(*install, wheel)
    said(uv, "pip", "check", "--quiet", "--python", python)
    alone = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    there = {"cwd": tmp_path, "env": alone}
    programs = (
        "import twin.up, sys, importlib.util as i;"
        "print(twin.__file__, 'torch' in sys.modules, i.find_spec('torch'))"
    )
    site = next(clean.glob("lib/python*/site-packages"))
    assert said(python, "-c", programs, **there).split() == [f"{site}/twin/__init__.py", "False", "None"]
    home = tmp_path / "home"
    assert "schema up to date" in said(twin, "--home", home, "doctor", "--quick", **there)  # migrations ran
