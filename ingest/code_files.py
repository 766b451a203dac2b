"""Which files of a repository are code that somebody wrote there?"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

_ENDINGS = """
    python: py pyi
    javascript: js mjs cjs jsx
    typescript: ts tsx mts
    java: java
    kotlin: kt kts
    groovy: groovy gradle
    scala: scala
    clojure: clj cljs
    c: c h
    cpp: cpp cc cxx hpp hh hxx
    objective-c: m mm
    csharp: cs
    fsharp: fs
    go: go
    rust: rs
    zig: zig
    nim: nim
    swift: swift
    dart: dart
    ruby: rb
    php: php
    perl: pl pm
    lua: lua
    r: r
    julia: jl
    haskell: hs
    ocaml: ml mli
    elixir: ex exs
    erlang: erl
    elisp: el
    bash: sh bash zsh
    powershell: ps1
    vim: vim
    sql: sql
    css: css
    scss: scss
    toml: toml
    yaml: yml yaml
    terraform: tf
    nix: nix
    make: makefile
    cmake: cmake
    docker: dockerfile
"""
_LANGUAGE_OF = {
    ending: language
    for language, _, endings in (line.strip().partition(":") for line in _ENDINGS.split("\n"))
    for ending in endings.split()
}
_OTHERS_FOLDERS = frozenset(
    """
    vendor vendors vendored third_party third-party thirdparty external extern node_modules bower_components
    dist build out target site-packages venv .venv env __pycache__ generated gen migrations deps pods carthage
    .git
    """.split()  # noqa: SIM905
)
_GENERATED_NAME = re.compile(
    r".*(?:\.min\.\w+|\.bundle\.js|_pb2(?:_grpc)?\.pyi?|\.pb\.\w+|\.g\.dart|\.designer\.cs|-lock\.yaml)",
    re.IGNORECASE,
)
_GENERATED = re.compile(
    r"@generated|\bdo not edit\b|\bauto-?generated\b|\bgenerated (?:by|from)\b", re.IGNORECASE
)
_MAX_LINE = 2_000  # no person writes longer ones


def language_of(path: str) -> str:
    """What Pygments calls it; empty when it is no code."""
    name = PurePosixPath(path).name.lower()
    return _LANGUAGE_OF.get(name.rpartition(".")[2] if "." in name else name, "")


def worth_reading(path: str) -> bool:
    """By its name: code, and neither somebody else's nor a program's."""
    folders = {part.lower() for part in PurePosixPath(path).parts[:-1]}
    return bool(language_of(path)) and not folders & _OTHERS_FOLDERS and not _GENERATED_NAME.fullmatch(path)


def is_generated(code: str) -> bool:
    """A program says so at the top, or wrote lines no person would."""
    lines = code.split("\n")
    return bool(_GENERATED.search("\n".join(lines[:20]))) or max(map(len, lines)) > _MAX_LINE
