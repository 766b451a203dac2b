#!/usr/bin/env bash
# How does a machine get a virtual environment that writes models in fewer bits: llm-compressor and what it wants?
#
#   deploy/quantize/install.sh VENV_DIR
#
# An environment of its own, because it wants an older transformers than the twin. learning/compress.py runs in it.
# Running it again does nothing unless these files changed. PYTHON names another interpreter.
set -euo pipefail

if [ $# -ne 1 ]; then
    echo "usage: $0 VENV_DIR" >&2
    exit 2
fi
venv=$1
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
python=${PYTHON:-python3}
pins="$root/deploy/requirements-quantize.txt"
torch=2.13.0

device=cpu
if command -v nvidia-smi >/dev/null && nvidia-smi -L >/dev/null 2>&1; then device=gpu; fi
stamp="$venv/.twin-quantize"
wanted="$device $torch $(sha256sum <"$pins" | cut -d' ' -f1)"
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
    echo "llm-compressor ($device) is already in $venv"
    exit 0
fi

# Whatever is left of an unfinished install would only be in the way.
if [ -e "$venv" ] && [ ! -f "$venv/pyvenv.cfg" ] && [ -n "$(ls -A "$venv")" ]; then
    echo "$venv is not a virtual environment; name another folder" >&2
    exit 2
fi
rm -rf "$venv"
"$python" -m venv "$venv"
# Modules are compiled when they are first used: most of these never are.
pip="$venv/bin/python -m pip --disable-pip-version-check --quiet install --no-compile"
if [ "$device" = gpu ]; then
    $pip "torch==$torch"
else
    # As deploy/install.sh does: pip where it is offered a build for the CPU, else uv, which knows PyTorch's own list.
    $pip "torch==$torch+cpu" 2>/dev/null ||
        { $pip uv && "$venv/bin/uv" pip install -q --python "$venv/bin/python" --torch-backend cpu "torch==$torch"; }
fi
$pip --require-hashes --no-deps --requirement "$pins"
"$venv/bin/python" -c "import llmcompressor"
echo "$wanted" >"$stamp"
echo "llm-compressor ($device) is in $venv"
