from datetime import timedelta

import pytest
from sqlalchemy import text

from storage.access import AccessStore, NameTaken, Token, hashed
from storage.answered import AnsweredStore
from storage.records import now

WEEK = timedelta(days=7)


@pytest.fixture
def access(database):
    return AccessStore(database)


def a_token(account, secret="s3cret", **fields):
    return Token("t1", account.id, "a program", hashed(secret), ("read",), now(), **fields)


async def test_of_many_who_want_to_be_the_first_owner_only_one_is(access):
    first = await access.add_account("mira", "owner", first=True)
    assert first is not None
    assert await access.add_account("eve", "owner", first=True) is None
    assert [one.name for one in await access.accounts()] == ["mira"]


async def test_a_name_and_a_discord_id_belong_to_one_account(access):
    await access.add_account("mira", "owner", discord_id="12345")
    with pytest.raises(NameTaken):
        await access.add_account("mira", "viewer")
    with pytest.raises(NameTaken):
        await access.add_account("other", "viewer", discord_id="12345")


async def test_no_secret_is_kept_of_sessions_and_tokens(access, database):
    mira = await access.add_account("mira", "owner")
    await access.open_session(mira.id, "the cookie", WEEK, "a browser")
    await access.add_token(a_token(mira, "the token"))
    async with database.reading() as session:
        for table in ("sessions", "tokens"):
            rows = [str(row) for row in await session.execute(text(f"SELECT * FROM {table}"))]
            assert rows
            assert not any("the cookie" in row or "the token" in row for row in rows)


async def test_a_session_is_somebodys_until_it_ends(access):
    mira = await access.add_account("mira", "owner")
    await access.open_session(mira.id, "secret", WEEK, "a browser")
    await access.open_session(mira.id, "over", timedelta(seconds=-1), "a browser")
    account, session = await access.of_session("secret")
    assert account == mira
    assert [one.id for one in await access.sessions(mira.id)] == [session.id]
    assert await access.of_session("over") is None
    assert await access.of_session("another") is None
    assert await access.close_session(mira.id, session.id)
    assert await access.of_session("secret") is None


async def test_a_new_password_signs_out_everywhere_else(access):
    mira = await access.add_account("mira", "owner")
    kept = await access.open_session(mira.id, "here", WEEK, "")
    await access.open_session(mira.id, "there", WEEK, "")
    await access.set_password(mira.id, "a hash", keep=kept.id)
    assert await access.of_session("here")
    assert await access.of_session("there") is None


async def test_a_token_holds_until_it_is_revoked_or_over(access):
    mira = await access.add_account("mira", "owner")
    await access.add_token(a_token(mira))
    account, token = await access.of_token("s3cret")
    assert (account, token.scopes) == (mira, ("read",))
    assert (await access.tokens(mira.id))[0].used_at is not None
    assert await access.revoke("t1", "somebody else") is False
    assert await access.revoke("t1")
    assert await access.of_token("s3cret") is None
    await access.add_token(
        Token("t2", mira.id, "old", hashed("old"), ("read",), now(), expires_at=now() - WEEK)
    )
    assert await access.of_token("old") is None


async def test_an_account_goes_with_all_it_is_signed_in_with_but_never_the_last_owner(access):
    mira = await access.add_account("mira", "owner")
    ann = await access.add_account("ann", "viewer")
    await access.open_session(ann.id, "secret", WEEK, "")
    await access.add_token(a_token(ann))
    assert await access.remove_account(mira.id) is False
    assert await access.remove_account(ann.id)
    assert await access.of_session("secret") is None
    assert await access.of_token("s3cret") is None


async def test_the_audit_log_is_read_newest_first_and_goes_on(access):
    for number in range(5):
        await access.note("mira", f"action {number}")
    first = await access.audit(3)
    rest = await access.audit(3, first[-1].number)
    assert [one.action for one in (*first, *rest)] == [f"action {n}" for n in (4, 3, 2, 1, 0)]


async def test_a_request_of_one_key_is_answered_once(database):
    answered = AnsweredStore(database)
    assert await answered.begin("key", "asked") is None
    assert (await answered.begin("key", "asked")).status == 0
    await answered.finish("key", 201, "{}")
    again = await answered.begin("key", "asked")
    assert (again.status, again.body, again.request_hash) == (201, "{}", "asked")
    await answered.give_up("key")
    assert await answered.begin("key", "asked") is None
