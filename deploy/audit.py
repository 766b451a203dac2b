"""Is anything known against what goes into the images and the dashboard? Part of `make check`.

Exit code 1 where something is known. Where nobody can be asked, that is said loudly and nothing fails: what
needs a network must not decide whether code is right.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
REQUIREMENTS = (
    "deploy/requirements-bot.txt",
    "deploy/requirements-train.txt",
    "deploy/requirements-build.txt",
    "deploy/requirements-quantize.txt",
)
PACKAGES = ("deploy/lint", "dashboard")
SECONDS = 120
IGNORED: dict[str, str] = {}  # what is known and does not concern us -> why


def known_against(report: dict[str, Any]) -> list[str]:
    """Of pip-audit's report: one sentence for each thing that is known."""
    return [
        f"{one['name']} {one['version']}: {what['id']}, mended in {', '.join(what['fix_versions']) or 'none'}"
        for one in report["dependencies"]
        for what in one.get("vulns", ())
        if what["id"] not in IGNORED
    ]


def not_asked(report: dict[str, Any]) -> list[str]:
    return [one["name"] for one in report["dependencies"] if "skip_reason" in one]


def audit_python(file: str) -> tuple[list[str], str]:
    """What is known, and why it could not be asked (empty: it could)."""
    program = Path(sys.executable).parent / "pip-audit"
    command = [
        program,
        "-r",
        ROOT / file,
        "--disable-pip",
        "--no-deps",
        "--format",
        "json",
        "--progress-spinner",
        "off",
    ]
    report, why = _report([str(part) for part in command], "dependencies")
    if report is None:
        return [], why
    skipped = not_asked(report)
    return known_against(report), f"{len(skipped)} packages are not known there" if skipped else ""


def audit_npm(folder: str) -> tuple[list[str], str]:
    if not (npm := shutil.which("npm")):
        return [], "there is no npm"
    report, why = _report([npm, "audit", "--json", "--prefix", str(ROOT / folder)], "vulnerabilities")
    if report is None:
        return [], why
    serious = [one for one in report["vulnerabilities"].values() if one["severity"] in ("high", "critical")]
    return [f"{one['name']}: {one['severity']}" for one in serious], ""


def _report(command: list[str], key: str) -> tuple[dict[str, Any] | None, str]:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
        report = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired) as problem:
        return None, type(problem).__name__
    if key not in report:
        return None, str(report.get("message") or report.get("error") or "it gave no report")[:200]
    return report, ""


def main() -> int:
    known: list[str] = []
    for what in (
        *REQUIREMENTS,
        *(folder for folder in PACKAGES if (ROOT / folder / "package-lock.json").exists()),
    ):
        found, why = (audit_python if what.endswith(".txt") else audit_npm)(what)
        known += [f"{what}: {one}" for one in found]
        if why:
            sys.stderr.write(f"WARNING, LESS WAS CHECKED. {what} could not be asked about: {why}\n")
        else:
            sys.stdout.write(f"{what}: {len(found)} known problems\n")
    for sentence in known:
        sys.stderr.write(f"{sentence}\n")
    return int(bool(known))


if __name__ == "__main__":
    sys.exit(main())
