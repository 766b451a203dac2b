"""What does a page say that Notion exported as HTML? Its title, its properties and the words of its body."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ingest.drift import Drift
from ingest.html_steps import Step, steps, words

# What only points to other pages, or shows them.
_NOT_WORDS = {"link-to-page", "collection-content", "bookmark", "table_of_contents", "icon"}
_KINDS = frozenset(
    [
        "auto_increment_id",
        "button",
        "checkbox",
        "created_by",
        "created_time",
        "date",
        "email",
        "file",
        "formula",
        "last_edited_by",
        "last_edited_time",
        "location",
        "multi_select",
        "number",
        "person",
        "phone_number",
        "place",
        "relation",
        "rich_text",
        "rollup",
        "select",
        "status",
        "text",
        "title",
        "unique_id",
        "url",
        "verification",
    ]
)
_ALONE = ("br", "hr", "img")


@dataclass(slots=True)
class HtmlPage:
    title: str = ""
    body: str = ""
    properties: dict[str, str] = field(default_factory=dict)


def properties_and_body(page: str, drift: Drift) -> HtmlPage:
    found = HtmlPage()
    title: list[Step] = []
    body: list[Step] = []
    cells: dict[str, list[Step]] = {"th": [], "td": []}
    inside, row_kind, cell = "", "", ""
    for step in _seen(page):
        kind, tag, attributes = step
        style = attributes.get("class", "")
        if kind == "start" and "page-title" in style:
            inside = "title"
        elif kind == "start" and "page-body" in style:
            inside = "body"
        elif inside == "title" and kind == "end" and tag == "h1":
            inside = ""
        elif inside == "title":
            title.append(step)
        elif inside == "body":
            body.append(step)
        elif tag == "tr":
            if kind == "start":
                row_kind = style.rpartition("property-row-")[2] if "property-row-" in style else ""
                if row_kind and row_kind not in _KINDS:
                    drift.kind("property", "kind", row_kind)
                cells = {"th": [], "td": []}
            elif row_kind:
                found.properties |= _property(row_kind, words(cells["th"]), words(cells["td"]))
        elif tag in cells:
            cell = tag if kind == "start" else ""
        elif cell:
            cells[cell].append(step)
    found.title = " ".join(words(title).split())
    found.body = words(body)
    return found


def _property(kind: str, name: str, value: str) -> dict[str, str]:
    """By its name; what Notion keeps itself is known by its kind, in every language."""
    known = {"created_time": "created", "last_edited_time": "last edited", "created_by": "created by"}
    return {known.get(kind, " ".join(name.lower().split())): " ".join(value.split())}


def _seen(page: str) -> Iterator[Step]:
    """Without the parts that are no words of this page."""
    depth, hidden = 0, ""
    for step in steps(page):
        kind, tag, attributes = step
        if hidden:
            if tag == hidden and kind != "text":
                depth += 1 if kind == "start" else -1
                hidden = hidden if depth else ""
        elif kind == "start" and tag not in _ALONE and _NOT_WORDS & set(attributes.get("class", "").split()):
            depth, hidden = 1, tag
        else:
            yield step
