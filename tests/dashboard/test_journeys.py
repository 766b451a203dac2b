"""Can one do what one came for? A journey through each page, in a real browser, against the real service."""

from __future__ import annotations

import re
from pathlib import Path

from dashboard_service import NAME, PASSWORD, begin
from playwright.sync_api import expect

EXPORT = Path(__file__).parents[2] / "examples" / "mira" / "telegram" / "result.json"


def test_a_wrong_password_is_told_and_the_right_one_opens_the_door(browser, signed_in):
    context = browser.context()
    page = browser.page(context)
    page.goto("/")
    page.get_by_label("Name").fill(NAME)
    password = page.locator("input[type=password]")
    password.fill("not this one")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text(re.compile("wrong|password", re.I)).last).to_be_visible()
    password.fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("navigation", name="Pages").first).to_be_visible()
    page.get_by_role("button", name="Sign out").first.click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    context.close()


def test_one_talks_to_the_twin_likes_and_corrects_and_asks_why(visit):
    page = visit("/chat/")
    begin(page)
    page.get_by_label("Message").fill("hey, how was your day?")
    page.get_by_label("Message").press("Enter")
    said = page.get_by_role("log")
    expect(said.get_by_text("hey, how was your day?")).to_be_visible()
    like = said.get_by_role("button", name="Like", exact=True)
    expect(like).to_be_visible(timeout=30_000)
    like.click()
    expect(like).to_have_attribute("aria-pressed", "true")

    said.get_by_role("button", name="Correct it").click()
    page.get_by_label("What it should have said").fill("long, but good buddy")
    page.get_by_role("button", name="Save the correction").click()
    expect(said.get_by_text("long, but good buddy")).to_be_visible()

    said.get_by_role("button", name="Why this answer?").click()
    why = page.get_by_role("dialog", name="Why this answer?")
    expect(why.get_by_text("What the model was shown")).to_be_visible()
    expect(why.get_by_text("hey, how was your day?").first).to_be_visible()
    page.keyboard.press("Escape")

    said.get_by_role("button", name="Say it again, differently").click()
    expect(said.get_by_role("button", name="Say it again, differently")).to_be_visible(timeout=30_000)


def test_two_adapters_answer_side_by_side_and_a_key_picks_one(visit):
    page = visit("/chat/")
    begin(page)
    page.get_by_role("switch", name="Side by side").click()
    page.get_by_label("First adapter").select_option("base")
    page.get_by_label("Second adapter").select_option("sft-1")
    page.get_by_label("Message").fill("what should i cook tonight?")
    page.get_by_label("Message").press("Enter")
    first = page.get_by_role("button", name="Pick answer 1")
    expect(first).to_be_enabled(timeout=30_000)
    page.get_by_role("log").click()
    page.keyboard.press("1")
    expect(first).to_be_hidden()
    expect(page.get_by_role("log").get_by_role("button", name="Why this answer?")).to_have_count(1)


def test_the_inbox_is_worked_through_by_keyboard(visit):
    page = visit("/inbox/")
    expect(page.get_by_role("button", name="Send").first).to_be_visible()  # drafts come first, once known
    page.get_by_text("Answers to label").click()
    cards = page.get_by_role("article")
    expect(cards.nth(1)).to_be_visible()
    page.keyboard.press("j")
    expect(cards.nth(1)).to_have_attribute("aria-current", "true")
    page.keyboard.press("1")
    expect(cards.nth(1).get_by_text("liked", exact=True)).to_be_visible()
    expect(cards.nth(2)).to_have_attribute("aria-current", "true")
    page.keyboard.press("2")
    expect(cards.nth(2).get_by_text("disliked", exact=True)).to_be_visible()
    page.keyboard.press("e")
    page.get_by_label("What it should have said").fill("sure buddy")
    page.keyboard.press("Enter")
    expect(cards.nth(3).get_by_text("corrected", exact=True)).to_be_visible()
    page.get_by_label("Adapter").select_option("sft-1")
    expect(cards.first.get_by_text("sft-1")).to_be_visible()


def test_a_draft_is_skipped_and_is_gone(visit):
    page = visit("/inbox/")
    drafts = page.get_by_role("article")
    expect(drafts.first).to_be_visible()
    before = drafts.count()
    page.keyboard.press("2")
    expect(drafts).to_have_count(before - 1)


def test_a_promotion_shows_what_changes_and_can_be_taken_back(visit):
    page = visit("/models/")
    page.get_by_role("button", name=re.compile("^rlhf-5")).click()
    expect(page.get_by_role("heading", name=re.compile("rlhf-5"))).to_be_visible()
    expect(page.get_by_role("region", name="Evaluation side by side")).to_be_visible()
    page.get_by_role("button", name="Promote").click()
    ask = page.get_by_role("dialog")
    expect(ask.get_by_text(re.compile("of the last two weeks would be answered"))).to_be_visible()
    ask.get_by_role("button", name="Not now").click()
    expect(ask).to_be_hidden()
    page.get_by_role("button", name="Roll back").click()
    page.get_by_role("dialog").get_by_role("button", name="Roll back").click()
    expect(page.get_by_text("on trial in")).to_be_hidden()


def test_an_adapter_is_tried_let_answer_and_taken_back(visit):
    """Real adapters on the real model server; every step shows first what it changes."""
    page = visit("/models/")

    def answering():
        found = page.request.get("/api/adapters/answering").json()
        return found["live"], found["canary"]

    def agree(button, *sentences):
        page.get_by_role("button", name=button, exact=True).click()
        ask = page.get_by_role("dialog")
        for sentence in sentences:
            expect(ask.get_by_text(re.compile(sentence)).first).to_be_visible()
        ask.get_by_role("button").last.click()
        expect(ask).to_be_hidden(timeout=60_000)

    live, trial = answering()
    if trial:  # nobody has ended the sample's own yet
        agree("Roll back", f"The trial of {trial} ends")
    page.get_by_role("button", name=re.compile("^dpo-4")).click()
    expect(page.get_by_role("heading", name=re.compile("dpo-4"))).to_be_visible()
    page.get_by_role("button", name="Try on some chats", exact=True).click()
    page.get_by_role("dialog").get_by_label("Share of the chats").select_option("0.3")
    expect(page.get_by_role("dialog").get_by_text(re.compile("dpo-4 answers 30"))).to_be_visible()
    page.get_by_role("dialog").get_by_role("button", name="Start the trial").click()
    expect(page.get_by_text("on trial in 30")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert answering() == (live, "dpo-4")
    agree("Promote", "dpo-4", "of the last two weeks would be answered")
    expect(page.get_by_text("dpo-4 answers", exact=True)).to_be_visible()
    assert answering() == ("dpo-4", None)

    page.goto("/chat/")
    begin(page)
    page.get_by_label("Message").fill("are you climbing this weekend?")
    page.get_by_label("Message").press("Enter")
    expect(page.get_by_role("log").get_by_text(re.compile("dpo-4"))).to_be_visible(timeout=60_000)

    page.goto("/models/")
    agree("Roll back", live)
    expect(page.get_by_text(f"{live} answers", exact=True)).to_be_visible()
    assert answering() == (live, None)


def test_a_run_is_started_seen_and_its_log_read(visit):
    page = visit("/training/")
    expect(page.get_by_role("heading", name="Log")).to_be_visible()
    page.get_by_role("button", name="Start a run").first.click()
    form = page.get_by_role("dialog", name="Start a run")
    form.get_by_label("What").select_option("corpus")
    form.get_by_role("button", name="Start", exact=True).click()
    expect(form).to_be_hidden()
    started = page.get_by_role("button", name=re.compile("^corpus.*(passed|failed)")).first
    expect(started).to_be_visible(timeout=120_000)


def test_an_export_is_uploaded_and_its_ledger_shown(visit):
    page = visit("/data/")
    page.get_by_label("What it is of").select_option("telegram")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a file").click()
    chooser.value.set_files(EXPORT)
    told = page.get_by_role("status", name="What became of the upload")
    expect(told.get_by_text("passed")).to_be_visible(timeout=120_000)
    expect(told.get_by_text("Kept")).to_be_visible()


def test_a_name_nobody_knows_is_decided_and_not_asked_about_again(visit):
    page = visit("/data/")
    sorrel, brisk = (page.get_by_role("group", name=name) for name in ("Sorrel", "Brisk"))
    sorrel.get_by_role("button", name="A person").click()
    expect(page.get_by_text("Sorrel becomes a placeholder everywhere.")).to_be_visible(timeout=60_000)
    expect(sorrel).to_be_hidden()
    brisk.get_by_role("button", name="Nobody").click()
    expect(page.get_by_text("No name waits for you.")).to_be_visible()
    page.reload()
    expect(page.get_by_text("No name waits for you.")).to_be_visible()


def test_consent_is_changed_and_what_would_be_forgotten_is_shown_first(visit):
    page = visit("/people/")
    tim = page.get_by_role("row", name=re.compile("^Tim"))
    tim.get_by_text("agreed").click()
    expect(tim.get_by_role("radio", name="agreed")).to_be_checked()
    tim.get_by_role("button", name="Forget").click()
    ask = page.get_by_role("dialog")
    go = ask.get_by_role("button", name="Forget for good")
    expect(go).to_be_disabled()
    ask.get_by_label("Type forget to go on").fill("forget")
    go.click()
    expect(page.get_by_text("Forgotten.")).to_be_visible(timeout=30_000)


def test_every_figure_of_the_pulse_says_what_it_means(visit):
    page = visit("/pulse/")
    expect(page.get_by_role("heading", name="Health")).to_be_visible()
    term = page.get_by_text("Liked", exact=True).first
    term.hover()
    expect(page.get_by_role("tooltip").filter(has_text="Answers nobody judged do not count")).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("^Liked, by adapter"))).to_be_visible(timeout=20_000)
    page.get_by_text("week", exact=True).click()
    expect(page.get_by_role("img", name=re.compile("^Messages, by chat app"))).to_be_visible()


def test_the_keyboard_leads_everywhere_and_a_question_mark_lists_how(visit):
    page = visit("/pulse/")
    page.keyboard.press("g")
    page.keyboard.press("m")
    expect(page.get_by_role("heading", name="Models", level=1)).to_be_visible()
    page.keyboard.press("?")
    page.get_by_label("Search commands").fill("inbox")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Inbox", level=1)).to_be_visible()


def test_without_a_network_the_page_says_so_and_goes_on_by_itself(visit):
    page = visit("/pulse/")
    expect(page.get_by_text("live", exact=True)).to_be_visible()
    page.context.set_offline(True)
    expect(page.get_by_text("You are offline.")).to_be_visible()
    page.context.set_offline(False)
    expect(page.get_by_text("You are offline.")).to_be_hidden()


def test_dark_stays_dark(visit):
    page = visit("/people/")
    page.get_by_role("button", name="Use dark colours").first.click()
    expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "dark")
