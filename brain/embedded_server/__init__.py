"""A model server for a machine without vLLM: transformers and peft behind the same HTTP protocol."""
