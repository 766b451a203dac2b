"""How big is the pocket model and how long does it train? And what is a trained one called?"""

from __future__ import annotations

import hashlib
from importlib.resources import files

from pydantic import BaseModel, ConfigDict

TEMPLATE = "gemma_template.jinja"  # beside this package, in `learning`
ASIDE = {
    "__init__.py",
    "__main__.py",
    "cache.py",
    "probes.py",
}  # code that has no say in what the model becomes


class PocketRecipe(BaseModel):
    """Fixed steps and a seed, never a time budget: the recipe alone decides which model comes out.

    The sizes suit two minutes on two cores. vLLM's CPU attention wants a head_dim of 32, 64, 80, 96, 112 ...
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = 1
    dialogues: int = 34_000  # about what the steps read: hardly a dialogue is read twice
    vocabulary: int = 4_096
    hidden_size: int = 128
    layers: int = 4
    heads: int = 2
    head_dim: int = 64
    mlp_size: int = 512
    context: int = 2_048  # what it accepts; it has only seen rows up to the sliding window
    sliding_window: int = 256
    steps: int = 2_300
    tokens_per_step: int = 1_280
    warm_up: float = 0.03  # share of the steps
    lowest_rate: float = 0.05  # share of the full rate that the cosine ends on
    matrix_rate: float = 0.02  # Muon, for the matrices
    matrix_decay: float = 0.1
    embedding_rate: float = 0.02  # AdamW, for embeddings and norms; this high rate matters most


def fingerprint(recipe: PocketRecipe) -> str:
    """Name of the model that this code makes by this recipe; no line that could change it escapes."""
    digest = hashlib.blake2b(recipe.model_dump_json().encode(), digest_size=8)
    package = files(__package__)
    parts = [
        part for part in package.iterdir() if part.name.endswith((".py", ".txt")) and part.name not in ASIDE
    ]
    for part in [*sorted(parts, key=lambda part: part.name), files("learning").joinpath(TEMPLATE)]:
        digest.update(b"\0" + part.name.encode() + b"\0" + part.read_bytes())
    return digest.hexdigest()
