"""The model server of a machine without a GPU: vLLM's HTTP protocol over transformers and peft.

Run it with `python -m brain.embedded_server --model FOLDER_OR_ID --port N`.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import uvicorn

from brain.embedded_server.app import make_app
from brain.embedded_server.engine import Engine
from brain.embedded_server.model import LanguageModel

log = logging.getLogger(__name__)


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m brain.embedded_server", description=__doc__)
    parser.add_argument("--model", required=True, help="a Hugging Face model folder, or an id on the hub")
    parser.add_argument("--served-model-name", help="what requests call the base model (default: --model)")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--max-model-len", type=int, default=8192, help="longest prompt and answer together")
    parser.add_argument("--max-num-seqs", type=int, default=32, help="answers written at the same time")
    parser.add_argument("--max-loras", type=int, default=8, help="adapters loaded at the same time")
    parser.add_argument(
        "--allow-adapters-under", type=Path, metavar="DIR", help="load adapters from here only"
    )
    parser.add_argument("--threads", type=int, default=1, help="torch threads; more need as many idle cores")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM. Exit code 1 when the engine died by itself."""
    options = parse(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    model = LanguageModel(options.model, max_length=options.max_model_len, threads=options.threads)
    served_name = options.served_model_name or options.model
    engine = Engine(model, served_name, max_rows=options.max_num_seqs, max_adapters=options.max_loras)
    app = make_app(engine, adapters_under=options.allow_adapters_under)
    config = uvicorn.Config(
        app, host=options.host, port=options.port, log_level="warning", timeout_graceful_shutdown=2
    )
    server = uvicorn.Server(config)

    def engine_ended() -> None:
        server.should_exit = True

    engine.start(engine_ended)
    log.info("serving %s on %s, port %s", served_name, options.host, options.port)
    server.run()
    died = not engine.alive
    engine.stop()
    return 1 if died else 0


if __name__ == "__main__":
    sys.exit(main())
