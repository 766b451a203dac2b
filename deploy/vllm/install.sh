#!/usr/bin/env bash
# How does a machine get a virtual environment that runs vLLM?
#
#   deploy/vllm/install.sh VENV_DIR
#
# With an NVIDIA GPU: vLLM as published. Without one: the same version on the CPU, which is what the tests
# use. Running it again does nothing unless these files changed. PYTHON names another interpreter;
# TWIN_VLLM_DEVICE=cpu|gpu overrides what is found.
set -euo pipefail

if [ $# -ne 1 ]; then
    echo "usage: $0 VENV_DIR" >&2
    exit 2
fi
venv=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=${PYTHON:-python3}
version=0.32.0
# Since 0.28 vLLM reads weights in 4 bits (bitsandbytes) only with this beside it.
beside="vllm-bnb-plugin==0.0.3 bitsandbytes==0.50.2"

device=${TWIN_VLLM_DEVICE:-}
if [ -z "$device" ]; then
    if command -v nvidia-smi >/dev/null && nvidia-smi -L >/dev/null 2>&1; then device=gpu; else device=cpu; fi
fi

stamp="$venv/.twin-vllm"
wanted="$device $version $(cat "$here/constraints-cpu.txt" "$here/make_cpu_wheels.py" | sha256sum | cut -d' ' -f1)"
if [ "$device" = gpu ]; then wanted="$wanted $beside"; fi
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
    echo "vLLM $version ($device) is already in $venv"
    exit 0
fi

# Whatever is left of an unfinished install would only be in the way.
if [ -e "$venv" ] && [ ! -f "$venv/pyvenv.cfg" ] && [ -n "$(ls -A "$venv")" ]; then
    echo "$venv is not a virtual environment; name another folder" >&2
    exit 2
fi
rm -rf "$venv"
"$python" -m venv "$venv"
if [ "$device" = gpu ]; then
    # shellcheck disable=SC2086 # two packages
    "$venv/bin/python" -m pip install --quiet "vllm==$version" $beside
else
    wheels="$venv/wheels"
    "$venv/bin/python" "$here/make_cpu_wheels.py" "$wheels"
    "$venv/bin/python" -m pip install --quiet --find-links "$wheels" --constraint "$here/constraints-cpu.txt" vllm peft
    rm -rf "$wheels"
fi
"$venv/bin/python" -c "import vllm"
echo "$wanted" >"$stamp"
echo "vLLM $version ($device) is in $venv"
