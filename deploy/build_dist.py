"""How are wheel and sdist made so that anybody gets the same bytes? `make dist`.

Every time stamp is SOURCE_DATE_EPOCH (default: the last commit's), owners are nobody, the order is by name.
Needs the setuptools of constraints.txt; nothing is downloaded.
"""

from __future__ import annotations

import argparse
import gzip
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
ZIP_BEGINS = 315532800  # 1980: a wheel is a zip, and zips know nothing earlier


def build(source: Path, out: Path, epoch: int) -> list[Path]:
    """The wheel and the sdist of a source tree; the tree itself stays as it is."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as room:
        clean = Path(room) / "src"
        _copy(source, clean)
        made = Path(room) / "dist"
        command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", made, clean]
        environment = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch), "PYTHONHASHSEED": "0"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"the build failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        for path in made.glob("*.tar.gz"):
            path.write_bytes(without_circumstances(path.read_bytes(), epoch))
        return sorted(Path(shutil.copy(path, out)) for path in made.iterdir())


def _copy(source: Path, clean: Path) -> None:
    """What the packages are made of, and nothing that lies about."""
    import tomllib

    project = tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8"))
    packages = {name.split(".")[0] for name in project["tool"]["setuptools"]["packages"]}
    clean.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(source / name, clean)
    for name in packages:
        shutil.copytree(source / name, clean / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    for path in (clean, *clean.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def without_circumstances(sdist: bytes, epoch: int) -> bytes:
    """The same files, whoever packed them, when, and in which order."""
    with tarfile.open(fileobj=io.BytesIO(sdist)) as old:
        files = sorted(old.getmembers(), key=lambda one: one.name)
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as new:
            for one in files:
                one.mtime, one.uid, one.gid, one.uname, one.gname, one.pax_headers = epoch, 0, 0, "", "", {}
                one.mode = 0o755 if one.isdir() else 0o644
                new.addfile(one, old.extractfile(one) if one.isfile() else None)
    squeezed = io.BytesIO()
    with gzip.GzipFile(filename="", fileobj=squeezed, mode="wb", mtime=epoch) as file:
        file.write(packed.getvalue())
    return squeezed.getvalue()


def last_commit() -> int:
    command = ["git", "-C", str(ROOT), "log", "-1", "--format=%ct"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return int(done.stdout.strip() or ZIP_BEGINS)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--out", type=Path, default=ROOT / "dist")
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH") or last_commit())
    for path in build(ROOT, asked.parse_args().out, max(epoch, ZIP_BEGINS)):
        sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
