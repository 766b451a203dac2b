"""Would Discord take this? What it refuses is an ApiError in its own shape; bad manners are noted."""

from __future__ import annotations

import re
from typing import Any

from discord_world import Json


class ApiError(Exception):
    def __init__(self, status: int, code: int, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body: Json = {"code": code, "message": message, **more}


def invalid(where: str, why: str) -> ApiError:
    errors = {where: {"_errors": [{"code": "INVALID", "message": why}]}}
    return ApiError(400, 50035, "Invalid Form Body", errors=errors)


def require(fine: object, where: str, why: str) -> None:
    if not fine:
        raise invalid(where, why)


def check_message(body: Json, files: int, violations: list[str], *, edit: bool = False) -> None:
    """The body of a create, an edit or an answer to an interaction."""
    content = body.get("content") or ""
    require(len(content) <= 2000, "content", "Must be 2000 or fewer in length.")
    if not edit and not content.strip() and not files and not body.get("embeds"):
        raise ApiError(400, 50006, "Cannot send an empty message")
    if edit and "content" in body and not content.strip() and not body.get("embeds"):
        raise ApiError(400, 50006, "Cannot send an empty message")
    nonce = body.get("nonce")
    require(nonce is None or len(str(nonce)) <= 25, "nonce", "Must be 25 or fewer in length.")
    mentions = body.get("allowed_mentions")
    if "content" in body and (mentions is None or mentions.get("parse") != []):
        violations.append("a message may ping somebody: allowed_mentions.parse is not []")
    if mentions and (mentions.get("users") or mentions.get("roles") or mentions.get("replied_user")):
        violations.append("a message pings somebody")
    check_components(body.get("components") or [])


def check_components(rows: list[Json]) -> None:
    require(len(rows) <= 5, "components", "Must be 5 or fewer in length.")
    seen: set[str] = set()
    for row in rows:
        require(row["type"] == 1, "components", "Only action rows, please.")
        require(1 <= len(row["components"]) <= 5, "components", "Must be between 1 and 5 in length.")
        for button in row["components"]:
            require(button["type"] == 2, "components", "We know buttons only.")
            require(0 < len(button.get("label") or "") <= 80, "label", "Must be between 1 and 80 in length.")
            check_custom_id(button.get("custom_id"))
            require(button["custom_id"] not in seen, "custom_id", "Component custom id cannot be duplicated")
            seen.add(button["custom_id"])


def check_custom_id(custom_id: str | None) -> None:
    require(custom_id and len(custom_id) <= 100, "custom_id", "Must be between 1 and 100 in length.")


def check_modal(data: Json) -> None:
    require(0 < len(data.get("title") or "") <= 45, "title", "Must be between 1 and 45 in length.")
    check_custom_id(data.get("custom_id"))
    require(1 <= len(data["components"]) <= 5, "components", "Must be between 1 and 5 in length.")
    for label in data["components"]:
        require(label["type"] == 18, "components", "A label holds each input.")
        require(0 < len(label.get("label") or "") <= 45, "label", "Must be between 1 and 45 in length.")
        text = label["component"]
        require(text["type"] == 4, "component", "We know text inputs only.")
        check_custom_id(text.get("custom_id"))
        require(1 <= text.get("max_length", 4000) <= 4000, "max_length", "Must be between 1 and 4000.")
        require(len(text.get("value") or "") <= text.get("max_length", 4000), "value", "Too long.")


def check_commands(commands: list[Json]) -> None:
    kinds = [command.get("type", 1) for command in commands]
    require(kinds.count(1) <= 100 and kinds.count(2) <= 15 and kinds.count(3) <= 15, "commands", "Too many.")
    names = [(command.get("type", 1), command["name"]) for command in commands]
    require(len(set(names)) == len(names), "name", "Application command names must be unique")
    for command in commands:
        if command.get("type", 1) != 1:
            require(1 <= len(command["name"]) <= 32 and not command.get("description"), "name", "Not so.")
            continue
        check_name(command)
        seen_optional = False
        require(len(command.get("options", [])) <= 25, "options", "Must be 25 or fewer in length.")
        for option in command.get("options", []):
            check_name(option)
            require(option["type"] == 3, "type", "We know strings only.")
            require(not (seen_optional and option.get("required")), "required", "Required ones come first.")
            seen_optional = not option.get("required")
            choices = option.get("choices") or []
            require(len(choices) <= 25, "choices", "Must be 25 or fewer in length.")
            require(not (choices and option.get("autocomplete")), "autocomplete", "Choices or completion.")
            for choice in choices:
                require(1 <= len(choice["name"]) <= 100, "choices", "Must be between 1 and 100 in length.")


def check_name(thing: Json) -> None:
    require(re.fullmatch(r"[-_\w]{1,32}", thing["name"]), "name", "Command name is invalid")
    require(thing["name"] == thing["name"].lower(), "name", "Command name is invalid")
    require(1 <= len(thing.get("description") or "") <= 100, "description", "Must be between 1 and 100.")
