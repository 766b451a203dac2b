#!/bin/sh
# Which exact files go into the images, and into the environment that writes models in fewer bits? Writes
# deploy/requirements-*.txt: every version with its hashes, and nobody's host. Versions come from constraints.txt; run
# it when that, pyproject.toml or deploy/quantize/requirements.in changed:
#   sh deploy/pin.sh [UV]
# torch has one list of hashes, of the build that is published beside everything else (CUDA on Linux): it is the
# one in the training image. The CPU build is for development and has no hash (deploy/install.sh).
set -eu
cd "$(dirname "$0")/.."
uv=${1:-.venv/bin/uv}

pin() {
    "$uv" pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --no-annotate \
        --python-version 3.11 "$@"
}
pin --constraints constraints.txt --output-file deploy/requirements-bot.txt --extra monitoring --extra vault pyproject.toml
pin --constraints constraints.txt --output-file deploy/requirements-train.txt \
    --extra gpu --extra monitoring --extra ray --extra vault pyproject.toml
printf 'setuptools\n' | pin --constraints constraints.txt --output-file deploy/requirements-build.txt -
# llm-compressor wants an older transformers than everything else here has, and that an older hub's client. torch is
# taken out: deploy/quantize/install.sh brings the build that fits the machine.
older=$(mktemp)
printf 'torch ; python_version < "3"\n' >"$older.without"
grep -v -e '^transformers==' -e '^huggingface_hub==' constraints.txt >"$older"
pin --constraints "$older" --override "$older.without" --output-file deploy/requirements-quantize.txt deploy/quantize/requirements.in
rm -f "$older" "$older.without"
