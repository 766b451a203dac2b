"""Imports discord.py once without its warning about `audioop`, a module that it needs for voice only."""

import warnings

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", "'audioop'", DeprecationWarning)
    import discord  # noqa: F401
