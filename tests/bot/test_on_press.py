"""Does a button do what it says, for whom it is meant and for nobody else?"""

from __future__ import annotations

from dataclasses import replace


async def test_the_button_under_the_news_of_a_new_adapter_takes_back_that_one_for_the_owner_only(kitchen):
    taken_back = []

    async def take_back(version):
        taken_back.append(version)
        return f"{version} does not answer any more."

    kitchen.talk = replace(kitchen.talk, take_back=take_back)
    assert "Only the owner" in (await kitchen.press("roll-back:v2", by="ana")).text
    assert taken_back == []
    assert (await kitchen.press("roll-back:v2")).text == "v2 does not answer any more."
    assert taken_back == ["v2"]


async def test_where_nothing_new_is_learned_its_button_is_an_unknown_one(kitchen):
    assert "don't know that button" in (await kitchen.press("roll-back:v2")).text
