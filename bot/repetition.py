def without_stutter(text: str) -> str:
    return text
