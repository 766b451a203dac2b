"""Seeing and steering the twin from outside: the REST API, the OpenAI-compatible endpoint, live events."""
