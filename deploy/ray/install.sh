#!/usr/bin/env bash
# How does a machine get a virtual environment for a node of a Ray cluster: the twin, its trainers, and Ray?
#
#   deploy/ray/install.sh VENV_DIR
#
# The bot and its tests need none of it. Every node has the same Python and the same Ray, or they refuse one another.
# Running it again does nothing unless these files changed. PYTHON names another interpreter.
set -euo pipefail

if [ $# -ne 1 ]; then
    echo "usage: $0 VENV_DIR" >&2
    exit 2
fi
venv=$1
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
python=${PYTHON:-python3}
ray=2.60.0 torch=2.13.0

stamp="$venv/.twin-ray"
wanted="$ray $torch $(cat "$root/pyproject.toml" "$root/constraints.txt" | sha256sum | cut -d' ' -f1)"
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
    echo "Ray $ray is already in $venv"
    exit 0
fi

# Whatever is left of an unfinished install would only be in the way.
if [ -e "$venv" ] && [ ! -f "$venv/pyvenv.cfg" ] && [ -n "$(ls -A "$venv")" ]; then
    echo "$venv is not a virtual environment; name another folder" >&2
    exit 2
fi
rm -rf "$venv"
"$python" -m venv "$venv"
pip="$venv/bin/python -m pip --disable-pip-version-check --quiet"
if command -v nvidia-smi >/dev/null && nvidia-smi -L >/dev/null 2>&1; then
    $pip install "torch==$torch"
else
    # As deploy/install.sh does: pip where it is offered a build for the CPU, else uv, which knows PyTorch's own list.
    $pip install "torch==$torch+cpu" 2>/dev/null ||
        { $pip install uv && "$venv/bin/uv" pip install -q --python "$venv/bin/python" --torch-backend cpu "torch==$torch"; }
fi
(cd "$root" && $pip install --constraint constraints.txt -e '.[ray]' "ray==$ray")
"$venv/bin/python" -c "import ray, torch, trl"
echo "$wanted" >"$stamp"
echo "Ray $ray is in $venv"
