"""Which weights answer? The base model, its tokenizer, and the adapters that lie over it."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, Cache
from transformers.utils import logging as transformers_logging

from brain.embedded_server.adapters import AdapterFolder, AdapterRefused, linear_layers, read_adapter_folder


class LanguageModel:
    """Any causal language model of transformers whose layers keep keys and values. For one thread only."""

    def __init__(self, name: str, *, max_length: int, threads: int = 1) -> None:
        # More threads than idle cores make a small model many times slower.
        torch.set_num_threads(threads)
        transformers_logging.disable_progress_bar()
        self.name = name
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        model = AutoModelForCausalLM.from_pretrained(name, dtype="auto")
        self._model = model.eval().requires_grad_(False).to(self.device)
        self._layers = linear_layers(self._model)
        self._with_adapters: Any = None
        self._loaded: set[str] = set()
        self._active: str | None = None

        self.tokenizer = AutoTokenizer.from_pretrained(name)
        # A copy for the thread that generates: the library's tokenizers must not be shared.
        self.decoding_tokenizer = copy.deepcopy(self.tokenizer).backend_tokenizer
        self.max_length: int = min(max_length, self._model.config.get_text_config().max_position_embeddings)
        self.vocabulary = int(self._model.get_input_embeddings().num_embeddings)
        self.end_tokens = self._end_tokens()

    def _end_tokens(self) -> frozenset[int]:
        configured = self._model.generation_config.eos_token_id
        ends = configured if isinstance(configured, list) else [configured]
        return frozenset(end for end in [*ends, self.tokenizer.eos_token_id] if end is not None)

    def logits(
        self,
        adapter: str | None,
        tokens: torch.Tensor,
        *,
        mask: torch.Tensor,
        positions: torch.Tensor,
        cache: Cache,
        keep: int,
    ) -> torch.Tensor:
        """Float32 logits of the last `keep` tokens of each row (0: of all of them). The cache grows."""
        self._activate(adapter)
        with torch.inference_mode():
            output = self._model(
                input_ids=tokens.to(self.device),
                attention_mask=mask.to(self.device),
                position_ids=positions.to(self.device),
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=keep,
            )
            return output.logits.float().cpu()

    def _activate(self, adapter: str | None) -> None:
        if adapter == self._active:
            return
        if adapter is None:
            self._with_adapters.base_model.disable_adapter_layers()
        else:
            self._with_adapters.base_model.enable_adapter_layers()
            self._with_adapters.set_adapter(adapter, inference_mode=True)
        self._active = adapter

    def check_adapter(self, folder: Path, also_known_as: str) -> AdapterFolder:
        """Raises AdapterRefused unless the folder is whole, sane and made for this model."""
        return read_adapter_folder(folder, layers=self._layers, base_names=(self.name, also_known_as))

    def load_adapter(self, adapter: str, checked: AdapterFolder) -> None:
        """Raises AdapterRefused when peft cannot load it after all; then nothing of it is left."""
        if self._with_adapters is None:
            self._with_adapters = PeftModel(
                self._model, checked.config, adapter_name=adapter, autocast_adapter_dtype=False
            )
            self._active = adapter
        self._loaded.add(adapter)
        try:
            self._with_adapters.load_adapter(
                str(checked.path), adapter, torch_device=self.device, autocast_adapter_dtype=False
            )
        except (RuntimeError, ValueError, KeyError, TypeError) as error:
            self.delete_adapter(adapter)
            raise AdapterRefused(f"{checked.path} cannot be loaded: {error}") from error

    def delete_adapter(self, adapter: str) -> None:
        self._loaded.discard(adapter)
        # Off before it goes: peft would choose another one as the active adapter by itself.
        self._activate(None)
        if self._loaded:
            self._with_adapters.set_adapter(next(iter(self._loaded)), inference_mode=True)
            self._with_adapters.base_model.disable_adapter_layers()
            self._with_adapters.delete_adapter(adapter)
        else:
            self._model = self._with_adapters.unload()
            self._with_adapters = None
