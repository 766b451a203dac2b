"""Do the embedded server and real vLLM keep the same promises? Every test runs against both."""

from __future__ import annotations

import asyncio
import itertools
import re
import shutil
from collections import Counter
from contextlib import aclosing
from functools import partial

import httpx
import pytest
import torch
from peft import PeftModel
from tiny_gemma import CONTEXT, load_tiny

from brain.model_client import ModelClient, ModelRefused, ModelUnavailable, Sampling, UnknownModel

GREEDY = Sampling(temperature=0, max_tokens=48)
LONG = Sampling(temperature=0, max_tokens=450)
WORDS = [
    "hello",
    "the cat sings about rain at night.",
    "our teacher bakes seven loaves on monday.",
    "my neighbour reads a green book with two friends.",
]
PROMPTS = [[{"role": "user", "content": words}] for words in WORDS]
NEW = (f"adapter-{number}" for number in itertools.count())


async def post(server, path, **body):
    """What the client never asks, said directly."""
    root = server.url.removesuffix("/v1")
    async with httpx.AsyncClient(base_url=root, timeout=60) as http:
        return await http.post(path, json={"model": "tiny"} | body)


async def metric(server, name, label=""):
    root = server.url.removesuffix("/v1")
    async with httpx.AsyncClient(base_url=root, timeout=60) as http:
        text = (await http.get("/metrics")).text
    return float(re.search(rf"^vllm:{name}{{.*{label}.*}} (\S+)$", text, re.MULTILINE)[1])


async def ended_by_length(server):
    return await metric(server, "request_success_total", 'finished_reason="length"')


async def eventually(question):
    """Wait until it is answered with yes; the bound only ends a hang."""
    async with asyncio.timeout(120):
        while not await question():
            await asyncio.sleep(0.02)


async def loaded(client, folder):
    name = next(NEW)
    await client.load_adapter(name, folder)
    return name


async def say(client, model, prompt=PROMPTS[1], sampling=GREEDY):
    return (await client.chat(model, prompt, sampling)).text


def local_logprobs(tiny, ids, adapter=None):
    """What transformers and peft make of these tokens, in this very process."""
    model, _ = load_tiny(tiny.base)
    if adapter:
        model = PeftModel.from_pretrained(model, str(adapter)).eval()
    with torch.no_grad():
        logprobs = model(torch.tensor([ids])).logits[0].log_softmax(-1)
    return [float(logprobs[at, token]) for at, token in enumerate(ids[1:])]


async def test_the_base_model_is_listed_first_then_the_adapters(client, tiny):
    assert await client.healthy()
    name = await loaded(client, tiny.one)
    assert await client.models() == ["tiny", name]


async def test_a_stream_says_what_the_whole_answer_says_at_temperature_zero(server, client):
    for prompt in PROMPTS:
        whole = (
            await post(server, "/v1/chat/completions", messages=prompt, temperature=0, max_tokens=48)
        ).json()
        async with aclosing(client.stream_chat("tiny", prompt, GREEDY)) as stream:
            chunks = [chunk async for chunk in stream]
        assert "".join(chunk.text for chunk in chunks) == whole["choices"][0]["message"]["content"]
        assert len([chunk for chunk in chunks if chunk.text]) > 1  # a busy server joins some
        assert [c.finish_reason for c in chunks if c.finish_reason] == [whole["choices"][0]["finish_reason"]]
        assert chunks[-1].usage.prompt_tokens == whole["usage"]["prompt_tokens"]
        assert chunks[-1].usage.completion_tokens == whole["usage"]["completion_tokens"]


async def test_a_completion_carries_its_counts_and_its_times(client):
    completion = await client.chat("tiny", PROMPTS[1], Sampling(temperature=0, max_tokens=5))
    assert (completion.finish_reason, completion.completion_tokens) == ("length", 5)
    assert completion.prompt_tokens > 10
    assert 0 < completion.first_token_ms <= completion.total_ms


async def test_the_logprobs_of_an_answer_are_the_models_own(server, tiny):
    answer = await post(
        *(server, "/v1/chat/completions"),
        messages=PROMPTS[1],
        temperature=0.9,
        seed=5,
        max_tokens=12,
        logprobs=True,
        top_logprobs=3,
    )
    entries = answer.json()["choices"][0]["logprobs"]["content"]
    _, tokenizer = load_tiny(tiny.base)
    ids = tokenizer.apply_chat_template(PROMPTS[1], add_generation_prompt=True, return_dict=False)
    for entry in entries:
        # Two tokens may read alike: "\n" is one of its own and a byte as well.
        alike = [i for i in range(len(tokenizer)) if tokenizer.decode([i]) == entry["token"]]
        local = {i: local_logprobs(tiny, [*ids, i])[-1] for i in alike}
        token = min(local, key=lambda i: abs(local[i] - entry["logprob"]))
        assert entry["logprob"] == pytest.approx(local[token], abs=1e-4)
        ids.append(token)
        assert len(entry["top_logprobs"]) == 3
        assert entry["top_logprobs"][0]["logprob"] >= entry["logprob"]
        assert bytes(entry["bytes"]).decode() == entry["token"]
    assert len(entries) == 12


async def test_streamed_logprobs_are_those_of_the_whole_answer(client):
    stream = client.stream_chat("tiny", PROMPTS[1], GREEDY, logprobs=True)
    logprobs = [chunk.token_logprob async for chunk in stream if chunk.token_logprob is not None]
    assert logprobs  # how many tokens come in one piece is up to the server
    assert all(logprob <= 0 for logprob in logprobs)


@pytest.mark.parametrize("length", [2, 60, 400])
async def test_scores_are_those_of_transformers_and_peft(client, tiny, length):
    # 400 tokens are longer than the sliding window, and than what is read at a time.
    random = torch.Generator().manual_seed(length)
    ids = [2, *torch.randint(7, 420, (length - 1,), generator=random).tolist()]
    adapter = await loaded(client, tiny.one)
    for model, folder in (("tiny", None), (adapter, tiny.one)):
        scores = await client.score(model, ids)
        assert scores[0] is None
        assert scores[1:] == pytest.approx(local_logprobs(tiny, ids, folder), abs=1e-4)


async def test_a_text_can_be_echoed_with_the_words_that_follow_it(server):
    body = {"prompt": "the cat sings", "temperature": 0, "max_tokens": 4, "logprobs": 1, "echo": True}
    choice = (await post(server, "/v1/completions", **body)).json()["choices"][0]
    assert choice["text"].startswith("the cat sings")
    tokens, offsets = choice["logprobs"]["tokens"], choice["logprobs"]["text_offset"]
    assert "".join(tokens) == choice["text"]
    assert offsets == [len("".join(tokens[:at])) for at in range(len(tokens))]
    assert [logprob is None for logprob in choice["logprobs"]["token_logprobs"]] == [True] + [False] * 7


async def test_tokens_are_counted_as_the_model_sees_them(server, tiny):
    _, tokenizer = load_tiny(tiny.base)
    ids = tokenizer.apply_chat_template(PROMPTS[1], add_generation_prompt=True, return_dict=False)
    answer = (await post(server, "/tokenize", messages=PROMPTS[1])).json()
    assert (answer["tokens"], answer["count"]) == (ids, len(ids))


async def test_a_client_knows_the_context_and_counts_as_the_model_does(client, tiny):
    _, tokenizer = load_tiny(tiny.base)
    text = "the cat sings about rain\nevery morning"
    assert await client.count(text) == len(tokenizer(text, add_special_tokens=False).input_ids)
    assert await client.context() == CONTEXT


async def test_an_adapter_changes_what_is_said_and_leaves_the_base_alone(client, tiny):
    before = [await say(client, "tiny", prompt) for prompt in PROMPTS]
    name = await loaded(client, tiny.one)
    changed = [await say(client, name, prompt) for prompt in PROMPTS]
    assert all(after != was for after, was in zip(changed, before, strict=True))
    assert [await say(client, "tiny", prompt) for prompt in PROMPTS] == before


async def test_adapters_asked_at_the_same_time_are_never_mixed_up(client, tiny):
    models = ["tiny", await loaded(client, tiny.one), await loaded(client, tiny.two)]
    asked = list(itertools.product(models, PROMPTS))
    alone = [await say(client, model, prompt) for model, prompt in asked]
    assert len(set(alone[:4]) | set(alone[4:8]) | set(alone[8:])) >= 9
    together = await asyncio.gather(*(say(client, model, prompt) for model, prompt in asked * 2))
    assert together == alone * 2


async def test_an_unloaded_adapter_is_unknown_and_can_be_loaded_again(client, tiny):
    name = await loaded(client, tiny.one)
    said = await say(client, name)
    await client.unload_adapter(name)
    assert await client.models() == ["tiny"]
    with pytest.raises(UnknownModel, match=name):
        await say(client, name)
    with pytest.raises(UnknownModel):
        await client.unload_adapter(name)
    await client.load_adapter(name, tiny.one)
    assert await say(client, name) == said


async def test_a_name_is_given_once(client, tiny):
    name = await loaded(client, tiny.one)
    with pytest.raises(ModelRefused, match="already been loaded") as refusal:
        await client.load_adapter(name, tiny.two)
    assert refusal.value.status == 400


@pytest.mark.parametrize("name", ["", "../x", "Upper", "a b", "x" * 82, "-x"])
async def test_an_ill_formed_name_never_reaches_the_server(client, tiny, name):
    with pytest.raises(ModelRefused):
        await client.load_adapter(name, tiny.one)
    assert await client.models() == ["tiny"]


def _missing(folder):
    shutil.rmtree(folder)


def _empty(folder):
    (folder / "adapter_config.json").unlink()


def _without_weights(folder):
    (folder / "adapter_model.safetensors").unlink()


def _cut_short(folder):
    weights = folder / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:2000])


@pytest.mark.parametrize("harm", [_missing, _empty, _without_weights, _cut_short])
async def test_a_bad_folder_is_refused_and_the_server_goes_on(client, tiny, tmp_path_factory, harm):
    folder = tiny.adapters.parent / f"bad{harm.__name__}-{next(NEW)}"
    shutil.copytree(tiny.one, folder)
    harm(folder)
    said = await say(client, "tiny")
    with pytest.raises(ModelRefused) as refusal:
        await client.load_adapter("bad", folder)
    assert len(refusal.value.message) > 10
    assert await client.models() == ["tiny"]
    assert await say(client, "tiny") == said


async def test_a_hot_swap_under_load_fails_nobody_and_mixes_nothing(client, tiny):
    folders = [tiny.one, tiny.two]
    names = [await loaded(client, folder) for folder in folders]
    known = [{await say(client, name, prompt) for prompt in PROMPTS} for name in names]
    assert not known[0] & known[1]
    live, answers, swapping = (names[0], 0), [], True
    unheard, under_way, cut_over = Counter(), Counter(), 0

    async def chatter(prompt):
        while swapping:
            (name, which), text = live, ""
            unheard[name] += 1
            under_way[name] += 1
            async with aclosing(client.stream_chat(name, prompt, GREEDY)) as stream:
                async for chunk in stream:
                    unheard[name] -= not text and bool(chunk.text)
                    text += chunk.text
            under_way[name] -= 1
            answers.append((name, which, text))

    async def heard_from(name):
        return any(one == name for one, _, _ in answers)

    async with asyncio.timeout(300), asyncio.TaskGroup() as talk:
        for prompt in PROMPTS * 2:
            talk.create_task(chatter(prompt))
        swaps = 0
        while swaps < 6 or cut_over < 3:  # some were in the middle of an answer when their adapter went
            (old, which), swaps = live, swaps + 1
            live = (await loaded(client, folders[1 - which]), 1 - which)
            while unheard[old]:  # the server knows of all who asked it; they finish on it
                await asyncio.sleep(0.001)
            cut_over += under_way[old] > 0
            await client.unload_adapter(old)
            await eventually(partial(heard_from, live[0]))
        swapping = False
    assert all(text in known[which] for _, which, text in answers)


async def test_an_answer_that_nobody_reads_any_more_is_given_up(server, client, tiny):
    endless = await loaded(client, tiny.endless)
    before = await ended_by_length(server)

    async def listen_a_little():
        async with aclosing(client.stream_chat(endless, PROMPTS[1], LONG)) as stream:
            await anext(stream)
            await anext(stream)

    await asyncio.gather(*(listen_a_little() for _ in range(6)))

    async def nothing_runs():
        return await metric(server, "num_requests_running") == 0

    await eventually(nothing_runs)
    # An answer that nobody gives up goes on to its 450th token, and its length ends it. However late a busy
    # server hears that they have all gone, it does not write all six to the end.
    assert await ended_by_length(server) - before < 6


async def test_a_server_killed_in_mid_answer_is_unavailable(doomed, tiny):
    client = ModelClient(doomed.url, timeout=20)
    endless = await loaded(client, tiny.endless)

    async def listen():
        async for _ in client.stream_chat(endless, PROMPTS[1], LONG):
            heard.set()

    heard = asyncio.Event()
    listeners = [asyncio.create_task(listen()) for _ in range(4)]
    async with asyncio.timeout(60):
        await heard.wait()
        doomed._process.kill()
        outcomes = await asyncio.gather(*listeners, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ModelUnavailable] * 4
    await doomed.wait()
    with pytest.raises(ModelUnavailable):
        await client.chat("tiny", PROMPTS[1], GREEDY)
    assert not await client.healthy()
    await client.aclose()


async def test_the_same_seed_says_the_same_and_another_one_something_else(client):
    def seeded(seed):
        return Sampling(temperature=1, top_p=0.9, max_tokens=40, seed=seed)

    said = await asyncio.gather(*(say(client, "tiny", sampling=seeded(seed)) for seed in (7, 7, 7, 8, 9)))
    assert said[0] == said[1] == said[2]
    assert len(set(said)) == 3


async def test_a_tiny_top_p_leaves_the_likeliest_token_only(client):
    greedy = await say(client, "tiny")
    assert await say(client, "tiny", sampling=Sampling(temperature=1, top_p=1e-6, max_tokens=48)) == greedy


async def test_a_stop_string_ends_the_answer_and_no_part_of_it_is_shown(client):
    whole = await say(client, "tiny")
    stop = whole[8:13]
    sampling = Sampling(temperature=0, max_tokens=48, stop=(stop, "never said"))
    async with aclosing(client.stream_chat("tiny", PROMPTS[1], sampling)) as stream:
        chunks = [chunk async for chunk in stream]
    assert "".join(chunk.text for chunk in chunks) == whole[: whole.index(stop)]
    assert "stop" in [chunk.finish_reason for chunk in chunks]


async def test_several_answers_may_be_asked_for_at_once(server):
    body = {"messages": PROMPTS[1], "n": 3, "temperature": 1, "seed": 3, "max_tokens": 20}
    answer = (await post(server, "/v1/chat/completions", **body)).json()
    assert [choice["index"] for choice in answer["choices"]] == [0, 1, 2]
    assert len({choice["message"]["content"] for choice in answer["choices"]}) == 3
    again = (await post(server, "/v1/chat/completions", **body)).json()
    assert [c["message"] for c in again["choices"]] == [c["message"] for c in answer["choices"]]
    assert (await post(server, "/v1/chat/completions", **(body | {"temperature": 0}))).status_code == 400


async def test_what_does_not_fit_the_context_is_refused(client):
    for prompt, sampling in (
        (PROMPTS[1], Sampling(max_tokens=600)),
        ([{"role": "user", "content": "rain " * 600}], GREEDY),
    ):
        with pytest.raises(ModelRefused, match=r"max_model_len|context length") as refusal:
            await client.chat("tiny", prompt, sampling)
        assert refusal.value.status == 400


async def test_an_answer_ends_where_the_context_ends(client, tiny):
    endless = await loaded(client, tiny.endless)
    completion = await client.chat(endless, PROMPTS[1], Sampling(temperature=0, max_tokens=505))
    assert completion.finish_reason == "length"
    assert completion.prompt_tokens + completion.completion_tokens == 512


async def test_a_request_that_makes_no_sense_is_refused_with_a_sentence(server, client):
    twice = [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]
    with pytest.raises(ModelRefused, match="alternate"):
        await client.chat("tiny", twice, GREEDY)
    for wrong in ({"temperature": -1}, {"top_p": 0}, {"max_tokens": 0}, {"messages": 5}):
        answer = await post(server, "/v1/chat/completions", **({"messages": PROMPTS[1]} | wrong))
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == 400
    answer = await post(server, "/v1/completions", prompt=[2, 99999], max_tokens=1)
    assert (answer.status_code, answer.json()["error"]["message"]) == (
        400,
        "Token id 99999 is out of vocabulary",
    )
