import pytest


async def test_what_did_not_change_is_not_sent_again(owner):
    first = await owner.get("/api/facts")
    same = await owner.get("/api/facts", headers={"if-none-match": first.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    await owner.post("/api/facts", json={"text": "I like tea"})
    changed = await owner.get("/api/facts", headers={"if-none-match": first.headers["etag"]})
    assert changed.status_code == 200


async def test_a_write_sent_twice_under_one_key_is_done_once(place, owner):
    key = {"idempotency-key": "once"}
    reply = await place.replied("Hello")
    url, thumb = f"/api/replies/{reply.key}/feedback", {"kind": "complaint", "text": "too long"}
    first = await owner.post(url, json=thumb, headers=key)
    again = await owner.post(url, json=thumb, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert len(await place.stores.feedback.about(reply.key)) == 1
    other = await owner.post(url, json=thumb | {"text": "too short"}, headers=key)
    assert other.status_code == 422
    third = await owner.post(url, json=thumb)
    assert third.json()["id"] != first.json()["id"]


async def test_one_persons_key_is_not_anothers(place, owner, trainer):
    reply = await place.replied("Hello")
    url, key = f"/api/replies/{reply.key}/feedback", {"idempotency-key": "1"}
    await owner.post(url, json={"kind": "up"}, headers=key)
    await trainer.post(url, json={"kind": "up"}, headers=key)
    assert len(await place.stores.feedback.about(reply.key)) == 2


async def test_what_failed_under_a_key_may_be_tried_again(owner):
    key = {"idempotency-key": "k"}
    assert (await owner.delete("/api/facts/nope", headers=key)).status_code == 404
    assert (await owner.delete("/api/facts/nope", headers=key)).status_code == 404


@pytest.mark.parametrize(
    ("method", "url", "status"),
    [
        ("GET", "/api/adapters/nope", 404),
        ("GET", "/api/runs/nope", 404),
        ("GET", "/api/nowhere", 404),
        ("POST", "/api/rollback", 422),
        ("GET", "/api/runs?limit=0", 422),
        ("GET", "/api/runs?cursor=nonsense", 422),
        ("PATCH", "/api/runs", 405),
    ],
)
async def test_every_error_is_a_problem_that_says_what_to_do(owner, method, url, status):
    answer = await owner.request(method, url)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["status"], bool(problem["title"]), bool(problem["detail"])) == (status, True, True)


async def test_browsers_are_told_to_trust_nothing_but_us(place):
    for url in ("/healthz", "/api/runs", "/", "/nowhere"):
        headers = (await place.client().get(url)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "default-src" in headers["content-security-policy"]
        assert "server" not in headers


async def test_a_body_larger_than_anything_we_ask_for_is_refused(owner):
    answer = await owner.post("/api/facts", content=b"x" * 2_000_001)
    assert answer.status_code == 413


async def test_a_field_we_do_not_know_is_a_mistake_and_told(owner):
    answer = await owner.post("/api/facts", json={"text": "tea", "txet": "coffee"})
    assert answer.status_code == 422
    assert "txet" in answer.json()["detail"]


async def test_a_list_goes_on_from_its_cursor_to_its_end(place, owner):
    for number in range(5):
        await place.replied(f"answer {number}")
    seen, cursor = [], None
    while True:
        page = (
            await owner.get("/api/replies", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))
        ).json()
        seen += [one["message"]["text"] for one in page["items"]]
        if (cursor := page["next"]) is None:
            break
    assert seen == [f"answer {number}" for number in (4, 3, 2, 1, 0)]
