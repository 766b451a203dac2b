# make demo   the whole loop on this machine, in a terminal
# make test   every test, on everything it needs
# make check  what CI runs: style, types, tests
# make audit  licences, and what is known against what we ship with (part of check)
# make dist   wheel and sdist, the same bytes for everybody;  make sbom: what the images are made of, as CycloneDX
# make quantize  what 'twin adapters export' writes fp8, GPTQ and AWQ with (part of test)
# make bench  every figure the README quotes
# make dashboard   builds the dashboard again (needs Node 20; only who changes dashboard/ needs it)
# make clean  back to a fresh clone (what was learned in data/ stays)

PYTHON ?= python3
VENV   := .venv
RUN    := $(VENV)/bin/python
# A test that fails is tried once more: with real servers, browsers and processes on a busy machine, one in some
# thousand meets a delay that it did not reckon with. Why it failed at first is told at the end, to be mended.
RETRY ?= --reruns 1
# Test processes side by side: one more than there are cores, because tests wait, too.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(os.cpu_count() + 1)')

.PHONY: demo test check lint audit bench clean services vllm ray quantize dist sbom dashboard

demo: $(VENV)/.ready
	@$(RUN) -m twin demo $(ARGS)

test: $(VENV)/.ready vllm ray quantize services
	@$(RUN) -m learning.pocket
	@OMP_NUM_THREADS=1 $(RUN) -m pytest -n $(WORKERS) --dist loadfile $(RETRY) $(ARGS)

check: $(VENV)/.ready lint audit test

lint: $(VENV)/.ready
	@$(RUN) -m ruff check . && $(RUN) -m ruff format --check . && $(RUN) -m mypy

audit: $(VENV)/.ready
	@$(RUN) deploy/licences.py >/dev/null && $(RUN) deploy/audit.py

dist: $(VENV)/.ready
	@$(RUN) deploy/build_dist.py

sbom: $(VENV)/.ready
	@mkdir -p dist
	@for of in bot train; do $(VENV)/bin/cyclonedx-py requirements deploy/requirements-$$of.txt --output-reproducible \
	    --output-file dist/sbom-$$of.json && echo dist/sbom-$$of.json; done

bench: $(VENV)/.ready
	@$(RUN) -m benchmarks $(ARGS)

# What it makes lies in api/static and is committed, so that nobody else needs Node.
dashboard: $(VENV)/.ready
	@$(RUN) -m api.openapi > dashboard/openapi.json
	@cd dashboard && npm ci --no-fund --no-audit && npm run client && npm run build

services:
	@sh deploy/test-services.sh || true  # the tests say loudly what they could not have; under CI they fail
	@npm ci --silent --prefix deploy/lint || true

$(VENV)/.ready: pyproject.toml constraints.txt deploy/install.sh
	@sh deploy/install.sh $(VENV) $(PYTHON)

vllm:
	@PYTHON=$(PYTHON) bash deploy/vllm/install.sh .venv-vllm || \
	    echo "vLLM could not be installed: its half of the protocol tests cannot run" >&2

ray:
	@PYTHON=$(PYTHON) bash deploy/ray/install.sh .venv-ray || \
	    echo "Ray could not be installed: what is tested on Ray itself cannot run" >&2

quantize:
	@PYTHON=$(PYTHON) bash deploy/quantize/install.sh .venv-quantize || \
	    echo "llm-compressor could not be installed: no model is written in fewer bits" >&2

clean:
	rm -rf $(VENV) .venv-vllm .venv-ray .venv-quantize demo build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
