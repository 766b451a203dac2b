"""What does the embedded server promise beyond vLLM's protocol? Bad adapters, draining, text in pieces."""

from __future__ import annotations

import asyncio
import json
import shutil

import httpx
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from tiny_gemma import load_tiny

from brain.embedded_server.adapters import AdapterRefused, linear_layers, read_adapter_folder
from brain.embedded_server.sampling import Wanted, next_token, random_source
from brain.embedded_server.text import TextStream
from brain.live_adapter import served_name
from brain.model_client import ModelRefused, Sampling, UnknownModel

only_embedded = pytest.mark.parametrize("engine", ["embedded"], indirect=True)
PROMPT = [{"role": "user", "content": "the cat sings"}]


@pytest.fixture
def folder(tiny, tmp_path):
    shutil.copytree(tiny.one, tmp_path / "adapter")
    return tmp_path / "adapter"


@pytest.fixture
def check(tiny, folder):
    layers = linear_layers(load_tiny(tiny.base)[0])
    return lambda: read_adapter_folder(folder, layers=layers, base_names=(str(tiny.base), "tiny"))


async def gone(client, name):
    async with asyncio.timeout(60):
        while name in await client.models():
            await asyncio.sleep(0.01)


def rewrite(folder, change):
    weights = load_file(folder / "adapter_model.safetensors")
    save_file(change(weights), folder / "adapter_model.safetensors")


def reconfigure(folder, **values):
    file = folder / "adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


@only_embedded
async def test_a_picture_is_refused_in_words_and_text_in_parts_is_read(client):
    words = {"type": "text", "text": "the cat sings"}
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    with pytest.raises(ModelRefused, match="text only") as refusal:
        await client.chat("tiny", [{"role": "user", "content": [words, picture]}], Sampling())
    assert refusal.value.status == 400
    parts = await client.chat("tiny", [{"role": "user", "content": [words]}], Sampling(0, max_tokens=4))
    assert parts.text == (await client.chat("tiny", PROMPT, Sampling(0, max_tokens=4))).text


def test_a_good_folder_passes_and_a_moved_base_model_is_still_the_same(check, folder):
    assert check().path == folder
    reconfigure(folder, base_model_name_or_path="/elsewhere/tiny-gemma")
    check()


def test_an_adapter_of_another_base_model_is_refused(check, folder):
    reconfigure(folder, base_model_name_or_path="google/gemma-3-12b-it")
    with pytest.raises(
        AdapterRefused, match=r"trained on google/gemma-3-12b-it, but this server serves .*tiny-gemma"
    ):
        check()


def test_foreign_key_names_are_refused(check, folder):
    # What an adapter of the multimodal class looks like to the text class.
    rewrite(
        folder,
        lambda weights: {k.replace(".layers.", ".language_model.layers."): v for k, v in weights.items()},
    )
    with pytest.raises(AdapterRefused, match="another kind of model"):
        check()


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_are_refused(check, folder, bad):
    def poison(weights):
        next(iter(weights.values()))[0, 0] = bad
        return weights

    rewrite(folder, poison)
    with pytest.raises(AdapterRefused, match="not finite"):
        check()


def test_a_missing_layer_is_refused(check, folder):
    rewrite(
        folder, lambda weights: {key: v for key, v in weights.items() if "layers.1.mlp.up_proj" not in key}
    )
    with pytest.raises(AdapterRefused, match=r"no weights for model\.layers\.1\.mlp\.up_proj"):
        check()


def test_half_a_layer_is_refused(check, folder):
    rewrite(
        folder, lambda weights: {k: v for k, v in weights.items() if "layers.0.mlp.up_proj.lora_B" not in k}
    )
    with pytest.raises(AdapterRefused, match="incomplete"):
        check()


def test_another_size_is_refused(check, folder):
    rewrite(
        folder,
        lambda weights: {k: v[:, :-1].contiguous() if "lora_A" in k else v for k, v in weights.items()},
    )
    with pytest.raises(AdapterRefused, match="another size"):
        check()


@pytest.mark.parametrize("beyond", [{"use_dora": True}, {"modules_to_save": ["lm_head"]}, {"bias": "all"}])
def test_what_vllm_does_not_serve_is_refused_here_too(check, folder, beyond):
    reconfigure(folder, **beyond)
    with pytest.raises(AdapterRefused, match=next(iter(beyond))):
        check()


@pytest.mark.parametrize("config", ["{", "[]", "{}", '{"peft_type": "NO_SUCH_TYPE"}'])
def test_a_config_that_is_none_is_refused(check, folder, config):
    (folder / "adapter_config.json").write_text(config)
    with pytest.raises(AdapterRefused):
        check()


@only_embedded
async def test_a_foreign_adapter_never_gets_into_the_server(client, tiny):
    foreign = tiny.adapters / "foreign"
    shutil.copytree(tiny.one, foreign)
    reconfigure(foreign, base_model_name_or_path="google/gemma-3-12b-it")
    with pytest.raises(ModelRefused, match="trained on"):
        await client.load_adapter("foreign", foreign)
    assert await client.models() == ["tiny"]


def _another_rank(folder):
    reconfigure(folder, r=4)


def _no_weights(folder):
    rewrite(folder, lambda weights: {})


def _no_target(folder):
    reconfigure(folder, target_modules=["no_such_layer"])


@only_embedded
@pytest.mark.parametrize("harm", [_another_rank, _no_weights, _no_target])
@pytest.mark.parametrize("beside", [False, True])
async def test_what_peft_itself_cannot_load_harms_nobody(client, tiny, harm, beside):
    before = (await client.chat("tiny", PROMPT, Sampling(temperature=0))).text
    if beside:
        await client.load_adapter("good", tiny.one)
    bad = tiny.adapters.parent / f"bad{harm.__name__}{beside}"
    shutil.copytree(tiny.one, bad)
    harm(bad)
    with pytest.raises(ModelRefused):
        await client.load_adapter("bad", bad)
    assert await client.models() == (["tiny", "good"] if beside else ["tiny"])
    assert (await client.chat("tiny", PROMPT, Sampling(temperature=0))).text == before
    await client.load_adapter("after", tiny.two)


@only_embedded
async def test_a_busy_adapter_leaves_when_its_last_answer_is_finished(client, tiny):
    await client.load_adapter("endless", tiny.endless)
    stream = client.stream_chat("endless", PROMPT, Sampling(temperature=0, max_tokens=400))
    shorter = client.stream_chat("endless", PROMPT, Sampling(temperature=0, max_tokens=40))
    await anext(stream)
    await anext(shorter)
    leaving = asyncio.create_task(client.unload_adapter("endless"))
    await gone(client, "endless")
    with pytest.raises(UnknownModel):
        await client.chat("endless", PROMPT, Sampling())
    assert [chunk.finish_reason async for chunk in shorter if chunk.finish_reason] == ["length"]
    assert not leaving.done()
    usage = [chunk.usage async for chunk in stream][-1]
    assert usage.completion_tokens == 400
    await asyncio.wait_for(leaving, timeout=10)


@only_embedded
async def test_a_name_can_be_given_again_while_its_former_adapter_drains(client, tiny):
    await client.load_adapter("one", tiny.one)
    once = await client.chat("one", PROMPT, Sampling(temperature=0))
    await client.unload_adapter("one")
    await client.load_adapter("x", tiny.endless)
    stream = client.stream_chat("x", PROMPT, Sampling(temperature=0, max_tokens=400))
    first = await anext(stream)
    leaving = asyncio.create_task(client.unload_adapter("x"))
    await gone(client, "x")
    await client.load_adapter("x", tiny.one)
    again = await client.chat("x", PROMPT, Sampling(temperature=0))
    assert again.text == once.text
    chunks = [first] + [chunk async for chunk in stream]
    assert len({chunk.text for chunk in chunks if chunk.text}) == 1  # the endless one to its end
    await leaving


@only_embedded
async def test_a_long_answer_does_not_hold_up_a_short_one(client, tiny):
    await client.load_adapter("endless", tiny.endless)
    stream = client.stream_chat("endless", PROMPT, Sampling(temperature=0, max_tokens=450))
    await anext(stream)
    await client.chat("tiny", PROMPT, Sampling(temperature=0, max_tokens=5))
    rest = [chunk async for chunk in stream if chunk.text]
    assert len(rest) > 300  # most of the long one came after the short one was finished


@only_embedded
async def test_what_is_not_served_is_refused_rather_than_left_out(server):
    async with httpx.AsyncClient(base_url=server.url) as http:
        for extra in ({"presence_penalty": 1.0}, {"response_format": {"type": "json_object"}}):
            body = {"model": "tiny", "messages": PROMPT, "max_tokens": 1} | extra
            answer = await http.post("/chat/completions", json=body)
            assert answer.status_code == 400
            assert next(iter(extra)) in answer.json()["error"]["message"]
        neutral = {"model": "tiny", "messages": PROMPT, "max_tokens": 1, "presence_penalty": 0}
        assert (await http.post("/chat/completions", json=neutral)).status_code == 200


@only_embedded
async def test_metrics_are_text_that_a_monitor_reads(server, client):
    await client.chat("tiny", PROMPT, Sampling(max_tokens=3))
    async with httpx.AsyncClient() as http:
        lines = (await http.get(server.url.replace("/v1", "/metrics"))).text.splitlines()
    values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    labels = 'engine="0",model_name="tiny"'
    assert float(values[f"vllm:generation_tokens_total{{{labels}}}"]) > 0
    assert float(values[f'vllm:request_success_total{{{labels},finished_reason="length"}}']) > 0
    counted = float(values[f"vllm:time_to_first_token_seconds_count{{{labels}}}"])
    assert float(values[f'vllm:time_to_first_token_seconds_bucket{{{labels},le="+Inf"}}']) == counted > 0


@pytest.fixture(scope="module")
def tokenizer(tiny):
    return load_tiny(tiny.base)[1]


@given(text=st.text(max_size=40), stops=st.lists(st.text(min_size=1, max_size=4), max_size=3))
def test_the_pieces_add_up_to_the_text_before_the_first_stop_string(tokenizer, text, stops):
    prompt = tokenizer("user\n").input_ids
    ids = tokenizer(text, add_special_tokens=False).input_ids
    stream = TextStream(tokenizer.backend_tokenizer, prompt, stops)
    shown = ""
    for token in ids:
        shown += stream.push(token)
        # Nothing is shown that may turn out to be the beginning of a stop string.
        assert not any(stop in shown for stop in stops)
        if stream.stopped_by is not None:
            break
    shown += stream.finish()
    whole = tokenizer.decode(prompt + ids)[len("user\n") :]
    if stream.stopped_by is None:
        assert shown == whole
        assert not any(stop in whole for stop in stops)
    else:
        assert whole.startswith(shown + stream.stopped_by)


def chosen(wanted, logits, times=200):
    random = random_source(wanted, 0)
    return {next_token(torch.tensor(logits), wanted, random) for _ in range(times)}


def test_top_p_and_top_k_leave_the_likeliest_tokens():
    logits = torch.tensor([0.5, 0.3, 0.15, 0.05]).log().tolist()
    assert chosen(Wanted(1, temperature=1, seed=1), logits) == {0, 1, 2, 3}
    assert chosen(Wanted(1, temperature=1, seed=1, top_p=0.79), logits) == {0, 1}
    assert chosen(Wanted(1, temperature=1, seed=1, top_p=0.81), logits) == {0, 1, 2}
    assert chosen(Wanted(1, temperature=1, seed=1, top_k=3), logits) == {0, 1, 2}
    assert chosen(Wanted(1, temperature=1, seed=1, top_k=3, top_p=0.6), logits) == {0, 1}
    assert chosen(Wanted(1, temperature=0), logits) == {0}


@only_embedded
async def test_twins_whose_adapters_have_one_number_are_each_answered_by_their_own(client, tiny):
    told = {}
    for twin, adapter in (("mira", tiny.one), ("bo", tiny.two)):
        await client.load_adapter(twin, str(adapter))
        told[twin] = (await client.chat(twin, PROMPT, Sampling(0, max_tokens=8))).text
        await client.unload_adapter(twin)
        await gone(client, twin)
    assert told["mira"] != told["bo"]
    names = {}
    for twin, adapter in (("mira", tiny.one), ("bo", tiny.two)):
        folder = tiny.adapters.parent / twin / "adapters" / "sft-1"
        shutil.copytree(adapter, folder)
        names[twin] = served_name("sft-1", str(folder))
        await client.load_adapter(names[twin], str(folder))
    asked = (client.chat(name, PROMPT, Sampling(0, max_tokens=8)) for name in names.values())
    assert [one.text for one in await asyncio.gather(*asked)] == [told[twin] for twin in names]
