"""What we ship with is pinned, licensed, listed, and never run as a pickle."""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import re
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from tools import ROOT, tool

from learning.quantizer import find_quantizer

OURS = ("bot", "brain", "ingest", "learning", "storage", "twin", "api", "deploy", "benchmarks")
PICKLES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
PICKLES |= {"jsonpickle", "pickle5", "sklearn.externals", "hickle", "klepto"}
READERS = {"read_pickle", "to_pickle", "unpickle", "loads_pickle"}  # of pandas and its like
PINNED = ("bot", "train", "build")


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "deploy" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pins(which: str) -> dict[str, str]:
    text = (ROOT / f"deploy/requirements-{which}.txt").read_text()
    return {
        canonicalize_name(name): version for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", text, re.M)
    }


# pins


@pytest.mark.parametrize("which", [*PINNED, "quantize"])
def test_every_pin_has_hashes_and_no_file_names_a_host(which: str) -> None:
    text = (ROOT / f"deploy/requirements-{which}.txt").read_text()
    assert "://" not in text
    assert "--index" not in text
    for one in re.split(r"\n(?=\S)", text.strip()):
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", one), one.split("\n")[0]


@pytest.mark.parametrize("which", PINNED)
def test_the_images_get_the_versions_that_the_tests_run_on(which: str) -> None:
    tested = {
        canonicalize_name(name): version
        for name, version in re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.M)
    }
    shared = pins(which).keys() & tested.keys()
    assert {name: pins(which)[name] for name in shared} == {name: tested[name] for name in shared}


@pytest.mark.parametrize(
    ("which", "extras"), [("bot", ["monitoring", "vault"]), ("train", ["gpu", "monitoring", "ray", "vault"])]
)
def test_every_dependency_of_ours_is_pinned(which: str, extras: list[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    optional = project["optional-dependencies"]
    lines = [*project["dependencies"], *(line for extra in extras for line in optional[extra])]
    wanted = [Requirement(line) for line in lines]
    for one in wanted:
        if one.name != "twin":
            assert one.specifier.contains(pins(which)[canonicalize_name(one.name)]), (
                f"run deploy/pin.sh: {one}"
            )
    assert ("torch" in pins(which)) == (which == "train")


# licences


def test_everything_we_ship_with_is_under_a_licence_that_is_allowed() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "deploy/licences.py", "--json"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    names = {one["name"] for one in json.loads(done.stdout)}
    assert {"sqlalchemy", "torch", "opentelemetry-sdk", "discord-py"} <= names
    assert "pytest" not in names


def test_what_writes_fewer_bits_is_under_a_licence_that_is_allowed() -> None:
    if (python := find_quantizer()) is None:
        how = "llm-compressor is not installed: run deploy/quantize/install.sh .venv-quantize"
        if os.environ.get("CI"):
            pytest.fail(how)
        pytest.skip(f"ITS LICENCES ARE NOT LOOKED AT. {how}")
    command = [python, "deploy/licences.py", "--json", "--pinned", "deploy/requirements-quantize.txt"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    found = {one["name"]: one["version"] for one in json.loads(done.stdout)}
    assert found["llmcompressor"] == pins("quantize")["llmcompressor"]
    assert found.items() <= pins("quantize").items() | {
        ("numpy", found["numpy"])
    }  # which has two, by the Python


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("GPL-3.0-only", False),
        ("GPL-3.0-only OR MIT", True),
        ("(Apache-2.0 AND GPL-3.0-only)", False),
        ("UNKNOWN", False),
    ],
)
def test_of_several_licences_one_may_be_chosen_and_all_must_be_kept(expression: str, allowed: bool) -> None:
    assert script("licences").is_allowed(expression) is allowed


# what is known against them


def test_a_known_problem_is_told_with_what_mends_it_and_silence_is_not_taken_for_health() -> None:
    audit = script("audit")
    report: dict[str, Any] = {
        "dependencies": [
            {"name": "good", "version": "1", "vulns": []},
            {"name": "bad", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3"]}]},
            {"name": "unknown", "skip_reason": "not found"},
        ]
    }
    assert audit.known_against(report) == ["bad 2: PYSEC-1, mended in 3"]
    assert audit.not_asked(report) == ["unknown"]


def test_a_program_that_cannot_ask_is_told_and_does_not_fail(tmp_path: Path) -> None:
    report, why = script("audit")._report([sys.executable, "-c", "print('no network')"], "dependencies")
    assert (report, why) == (None, "JSONDecodeError")
    report, why = script("audit")._report([str(tmp_path / "nothing")], "dependencies")
    assert (report, why) == (None, "FileNotFoundError")


def test_the_bill_of_materials_names_every_pin_with_its_hashes(tmp_path: Path) -> None:
    out = tmp_path / "sbom.json"
    command = [tool("cyclonedx-py"), "requirements", ROOT / "deploy/requirements-bot.txt"]
    subprocess.run([*command, "--output-reproducible", "--output-file", out], check=True, timeout=60)
    components = json.loads(out.read_text())["components"]
    assert {canonicalize_name(one["name"]): one["version"] for one in components} == pins("bot")
    assert all(reference["hashes"] for one in components for reference in one["externalReferences"])


# no pickles


def calls(tree: ast.AST) -> Iterator[tuple[str, dict[str, ast.expr], ast.Call]]:
    """Every call, as written, with its named arguments, and as a whole."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            named = {word.arg: word.value for word in node.keywords if word.arg}
            yield ast.unparse(node.func), named, node


def is_true(value: ast.expr | None) -> bool:
    return isinstance(value, ast.Constant) and value.value is True


def is_false(value: ast.expr | None) -> bool:
    return isinstance(value, ast.Constant) and value.value is False


def names_a_pickle(call: ast.Call) -> bool:
    named = [one.value for one in call.args if isinstance(one, ast.Constant)]
    return any(str(name).split(".")[0] in PICKLES for name in named)


def unsafe(source: str) -> list[str]:
    """What in this code could run what a file holds."""
    tree = ast.parse(source)
    found = []
    for node in ast.walk(tree):
        names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names += [str(node.module)]
            bare = {one.name for one in node.names} & {"load", "jit", "package"}
            found += [f"{node.module}.{one}" for one in bare if node.module in ("torch", "numpy")]
        found += [name for name in names if name.split(".")[0] in PICKLES]
    for name, words, node in calls(tree):
        if name.endswith("torch.load") and not is_true(words.get("weights_only")):
            found.append(name)
        if "allow_pickle" in words and not is_false(words["allow_pickle"]):
            found.append(name)
        if name.rpartition(".")[2] in READERS or name in ("torch.jit.load", "torch.package.PackageImporter"):
            found.append(name)
        if name.rpartition(".")[2] in ("__import__", "import_module") and names_a_pickle(node):
            found.append(name)
        if is_true(words.get("trust_remote_code")) or name in (
            "yaml.load",
            "yaml.unsafe_load",
            "eval",
            "exec",
        ):
            found.append(name)
        if "use_safetensors" in words and not is_true(words["use_safetensors"]):
            found.append(name)
    return found


@pytest.mark.parametrize("folder", OURS)
def test_no_code_of_ours_loads_a_pickle_or_runs_what_a_file_says(folder: str) -> None:
    files = [path for path in (ROOT / folder).rglob("*.py") if "node_modules" not in path.parts]
    wrong = {str(path.relative_to(ROOT)): unsafe(path.read_text(encoding="utf-8")) for path in files}
    assert not {path: found for path, found in wrong.items() if found}


@pytest.mark.parametrize(
    "line",
    [
        *(
            "import pickle",
            "import shelve",
            "from torch import load",
            "importlib.import_module('pickle')",
            "__import__('dill')",
            "pd.read_pickle(path)",
            "torch.jit.load(path)",
            "from joblib import load",
            "torch.load(path)",
            "torch.load(path, weights_only=False)",
        ),
        *(
            "np.load(path, allow_pickle=True)",
            "np.lib.format.read_array(file, allow_pickle=trusted)",
            "from_pretrained(name, use_safetensors=False)",
            "yaml.load(text)",
        ),
        "from_pretrained(name, trust_remote_code=True)",
    ],
)
def test_such_a_line_would_be_found(line: str) -> None:
    assert unsafe(line)
    assert not unsafe("torch.load(path, weights_only=True)\njson.load(file)\nnp.load(path)")


def test_a_checkpoint_is_resumed_without_unpickling_anything() -> None:
    path = importlib.metadata.distribution("transformers").locate_file("transformers/trainer.py")
    source = Path(str(path)).read_text(encoding="utf-8")
    loads = [words for name, words, _ in calls(ast.parse(source)) if name == "torch.load"]
    assert len(loads) > 5
    assert all(is_true(words.get("weights_only")) for words in loads)


# wheel and sdist


def test_wheel_and_sdist_are_the_same_bytes_whoever_makes_them(tmp_path: Path) -> None:
    build_dist = script("build_dist")
    digests = []
    for number in range(2):
        made = build_dist.build(ROOT, tmp_path / str(number), 1_700_000_000)
        digests.append({path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in made})
    assert digests[0] == digests[1]
    assert len(digests[0]) == 2
    (sdist,) = (path for path in made if path.suffix == ".gz")
    with tarfile.open(sdist) as archive:
        assert {(one.mtime, one.uid, one.uname) for one in archive} == {(1_700_000_000, 0, "")}
        assert any(name.endswith("learning/worker.py") for name in archive.getnames())
