#!/bin/sh
# Make the virtual environment: install.sh DIR [PYTHON]. Quick when nothing changed.
# The right torch for the machine: CUDA where there is an NVIDIA GPU, the small CPU build elsewhere.
set -eu
venv=$1 python=${2:-python3} torch=2.13.0

say() { printf '%s\n' "$*" >&2; }
fail() { say "install: $*"; exit 1; }

command -v "$python" >/dev/null || fail "there is no $python here; install Python 3.11 or newer"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "$("$python" --version) is too old; name a newer one: make PYTHON=python3.11"
if [ ! -x "$venv/bin/python" ]; then
    "$python" -m venv "$venv" || fail "could not make a virtual environment; on Debian: apt-get install python3-venv"
fi
pip="$venv/bin/python -m pip --disable-pip-version-check -q"

have_torch() { "$venv/bin/python" -c "import sys, importlib.metadata as m; sys.exit(m.version('torch').split('+')[0] != '$torch')" 2>/dev/null; }
if ! have_torch; then
    if command -v nvidia-smi >/dev/null && nvidia-smi -L >/dev/null 2>&1; then
        say "install: torch $torch with CUDA (there is a GPU)"
        $pip install "torch==$torch" || fail "torch did not install; see the message above"
    elif [ "$(uname -s)" != Linux ]; then
        say "install: torch $torch"
        $pip install "torch==$torch" || fail "torch did not install; see the message above"
    else
        say "install: torch $torch for the CPU (there is no GPU)"
        # pip takes a CPU wheel where it is offered one; else uv knows PyTorch's own list of CPU builds.
        $pip install "torch==$torch+cpu" >/dev/null 2>&1 ||
            { $pip install uv && "$venv/bin/python" -m uv pip install -q --python "$venv/bin/python" --torch-backend cpu "torch==$torch"; } ||
            fail "no CPU build of torch $torch could be had; with a network that reaches PyTorch's own downloads it can"
    fi
fi

say "install: the twin and what it needs"
$pip install -c constraints.txt -e '.[train,dev]' || fail "packages are missing; see the message above"
touch "$venv/.ready"
