"""Which model answers where no weights can be had? A tiny Gemma 3 that we train ourselves; see `ensure`."""

from learning.pocket.cache import PocketUnavailable, default_cache_dir, ensure, is_pocket
from learning.pocket.recipe import PocketRecipe, fingerprint

__all__ = ["PocketRecipe", "PocketUnavailable", "default_cache_dir", "ensure", "fingerprint", "is_pocket"]
