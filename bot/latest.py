"""Which of what we were told do we remember? Of so many chats or people the latest; a life may be long."""

from __future__ import annotations

from collections import OrderedDict
from typing import TypeVar

Name = TypeVar("Name")
Told = TypeVar("Told")

MOST = 1000


class Latest(OrderedDict[Name, Told]):
    """A dictionary that forgets what was told longest ago, for what a restart may forget, too."""

    def __init__(self, most: int = MOST) -> None:
        super().__init__()
        self._most = most

    def __setitem__(self, name: Name, told: Told) -> None:
        super().__setitem__(name, told)
        self.move_to_end(name)
        if len(self) > self._most:
            self.popitem(last=False)
