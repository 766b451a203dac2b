"""What happens while one looks? Answers are stopped, the service comes back, sessions end."""

from __future__ import annotations

import asyncio
import base64
import re

import pytest
from dashboard_quick import QuickTwin
from dashboard_service import NAME, PASSWORD, begin
from picture_data import a_picture
from PIL import Image
from playwright.sync_api import expect

from storage.database import Database
from storage.messages import MessageStore
from storage.records import Message, Spent, message_key, now

PASTE = """([field, data]) => {
    const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
    const clipboard = new DataTransfer();
    clipboard.items.add(new File([bytes], 'pasted.png', { type: 'image/png' }));
    const paste = { clipboardData: clipboard, bubbles: true, cancelable: true };
    field.dispatchEvent(new ClipboardEvent('paste', paste));
}"""


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory):
    twin = QuickTwin(tmp_path_factory.mktemp("quick"))
    twin.start()
    yield twin
    twin.close()


def test_stop_ends_the_answer_here_and_on_the_model_server(visit, dashboard):
    model = dashboard.place.model
    model.answer, model.cancelled = "one two three four", 0
    page = visit("/chat/")
    begin(page)

    async def hold():
        model.hold = asyncio.Event()

    dashboard.do(hold)
    page.get_by_label("Message").fill("count, please")
    page.get_by_label("Message").press("Enter")
    said = page.get_by_role("log")
    expect(said.get_by_text("one", exact=True)).to_be_visible()
    with page.expect_response(re.compile("/stop$")) as stopped:
        page.get_by_role("button", name="Stop").click()
    assert stopped.value.status == 200
    expect(page.get_by_role("button", name="Send")).to_be_visible()
    expect(said.get_by_text("one", exact=True)).to_be_visible()
    assert model.cancelled == 1
    page.reload()
    expect(page.get_by_role("log").get_by_text("one", exact=True)).to_be_visible()
    model.hold = None


def test_pictures_are_chosen_pasted_shown_and_seen_by_the_model(visit, dashboard, tmp_path):
    model = dashboard.place.model
    model.answer = "what a view"
    photo, notes = tmp_path / "photo.png", tmp_path / "notes.png"
    Image.effect_noise((1200, 900), 90).convert("RGB").save(photo)
    assert photo.stat().st_size > 2_000_000  # more than a body without pictures may have
    notes.write_text("no picture at all")
    page = visit("/chat/")
    begin(page)
    for file, seen in (
        (notes, page.get_by_text("notes.png is not a picture")),
        (photo, page.get_by_alt_text("Picture 1 to send")),
    ):
        with page.expect_file_chooser() as chooser:
            page.get_by_role("button", name="Add a picture").click()
        chooser.value.set_files(file)
        expect(seen).to_be_visible()
    field = page.get_by_label("Message")
    page.evaluate(PASTE, [field.element_handle(), base64.b64encode(a_picture("red")).decode()])
    expect(page.get_by_alt_text("Picture 2 to send")).to_be_visible()
    field.press("Enter")
    said = page.get_by_role("log")
    expect(said.get_by_text("what a view")).to_be_visible()
    shown = said.get_by_role("img", name="Picture sent with the message")
    expect(shown).to_have_count(2)
    page.reload()
    expect(shown).to_have_count(2)
    page.wait_for_function(
        "() => [...document.querySelectorAll('[role=log] img')].every((one) => one.naturalWidth > 0)"
    )
    [turn] = [one for one in model.prompts[-1] if isinstance(one["content"], list)]
    assert [part["type"] for part in turn["content"]].count("image_url") == 2
    said.get_by_role("button", name="Why this answer?").click()
    expect(page.get_by_role("dialog").get_by_text("2 pictures shown to it")).to_be_visible()


def test_while_a_new_conversation_is_made_nothing_is_written_into_the_old_one_or_lost(visit):
    page = visit("/chat/")
    begin(page)
    field = page.get_by_label("Message")
    field.fill("half a thought")
    held = []
    asked = re.compile(r"/api/conversations$")
    page.route(asked, lambda route: held.append(route))
    with page.expect_request(asked):
        page.get_by_role("button", name="New conversation").first.click()
    expect(page.locator("section[aria-label=Conversation]")).to_have_attribute("aria-busy", "true")
    field.evaluate("(one) => one.focus()")
    page.keyboard.type("x")
    expect(field).to_have_value("half a thought")
    held[0].abort()
    expect(page.locator("section[aria-label=Conversation]")).to_have_attribute("aria-busy", "false")
    expect(field).to_have_value("half a thought")


def test_what_is_said_elsewhere_does_not_turn_the_page_away_from_what_one_writes(visit, dashboard):
    dashboard.place.model.answer = "elsewhere it goes on"
    page, elsewhere = visit("/chat/"), visit("/chat/")
    field = page.get_by_label("Message")
    field.fill("half a thought")
    begin(elsewhere)
    elsewhere.get_by_label("Message").fill("newer than that")
    elsewhere.get_by_label("Message").press("Enter")
    expect(page.get_by_role("complementary").get_by_text("elsewhere it goes on")).to_be_visible()
    expect(field).to_have_value("half a thought")


def test_the_inbox_opens_what_was_picked_before_it_was_known_whether_drafts_wait(visit):
    held = []
    page = visit("/people/")
    page.route(re.compile(r"/api/drafts\?"), lambda route: held.append(route))
    page.goto("/inbox/")
    picked = page.get_by_role("radio", name="Answers to label")
    expect(picked).not_to_be_checked()
    page.get_by_text("Answers to label").click()
    expect(picked).to_be_checked()
    draft = {
        "key": "one",
        "asked_at": "2026-11-28T18:30:00Z",
        "question": None,
        "draft": {"text": "a draft", "chat_id": "1", "platform": "telegram", "adapter": None},
    }
    for route in held:
        route.fulfill(json={"items": [draft], "next": None})
    expect(page.get_by_text("Drafts 1")).to_be_visible()
    expect(picked).to_be_checked()


def test_a_budget_is_set_for_one_person_and_seen_beside_what_they_used(visit, dashboard):
    async def happen():
        asked = await dashboard.place.said("hello there")
        await dashboard.place.stores.usage.add(asked, Spent(1, 800, 34))

    dashboard.do(happen)
    page = visit("/people/")
    budget = page.get_by_role("button", name="Budget of Ann")
    expect(budget).to_contain_text("834 no limit")
    budget.click()
    ask = page.get_by_role("dialog", name="What Ann may ask for")
    ask.get_by_label("Tokens a day").fill("5000")
    ask.get_by_role("button", name="Set it").click()
    expect(ask).to_be_hidden()
    expect(budget).to_contain_text("834 of 5,000")


def test_after_a_restart_the_page_goes_on_from_the_last_event_it_saw(visit, dashboard):
    page = visit("/chat/")
    live = page.get_by_text("live", exact=True)
    expect(live).to_be_visible()
    dashboard.do(lambda: dashboard.place.said("before it went away", chat="hall"))
    expect(page.get_by_text("before it went away").first).to_be_visible()
    dashboard.stop()
    expect(page.get_by_text("connecting")).to_be_visible()

    async def meanwhile():
        other = await Database.open(dashboard.database_url)
        said = Message(
            message_key("discord", "hall", "m"), "discord", "hall", "ann", "Ann", "while it was away", now()
        )
        await MessageStore(other).add(said)
        await other.close()

    dashboard.do(meanwhile)
    dashboard.resumed.clear()
    dashboard.start()
    expect(live).to_be_visible(timeout=30_000)
    expect(page.get_by_text("while it was away").first).to_be_visible()
    assert dashboard.resumed
    assert all(dashboard.resumed), "it began anew instead of going on"


def test_when_the_session_ends_the_door_is_shown_and_one_comes_back_to_the_same_page(visit, dashboard):
    page = visit("/people/")
    expect(page.get_by_role("heading", name="People", level=1)).to_be_visible()

    async def end():
        access = dashboard.place.world.access
        for account in await access.accounts():
            for session in await access.sessions(account.id):
                await access.close_session(account.id, session.id)

    dashboard.do(end)
    page.goto("/training/")  # a link may be gone already: any answer that is refused shows the door
    page.get_by_label("Name").fill(NAME)
    page.locator("input[type=password]").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Training", level=1)).to_be_visible()
