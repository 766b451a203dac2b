#!/bin/sh
# Which exact files go into the images? Writes deploy/requirements-*.txt: every version with its hashes, and
# nobody's host. Versions come from constraints.txt; run it when that or pyproject.toml changed:
#   sh deploy/pin.sh [UV]
# torch has one list of hashes, of the build that is published beside everything else (CUDA on Linux): it is the
# one in the training image. The CPU build is for development and has no hash (deploy/install.sh).
set -eu
cd "$(dirname "$0")/.."
uv=${1:-.venv/bin/uv}

pin() {
    "$uv" pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --no-annotate \
        --python-version 3.11 --constraints constraints.txt --output-file "$@"
}
pin deploy/requirements-bot.txt --extra monitoring --extra vault pyproject.toml
pin deploy/requirements-train.txt --extra gpu --extra monitoring --extra ray --extra vault pyproject.toml
printf 'setuptools\n' | pin deploy/requirements-build.txt -
