"""Does a chat's trace go on in the model server? Real vLLM, real sockets, and not a word of what was said."""

from __future__ import annotations

from fakes import until
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from brain.model_client import Sampling
from brain.vllm_server import can_trace, find_vllm
from storage import tracing


async def test_what_vllm_does_for_an_answer_is_in_the_trace_of_its_message(
    server, engine, told, tiny, spans, client
):
    prompt = [{"role": "user", "content": "the cat sings of a secretword"}]
    with tracing.span(tracing.TURN, platform="kitchen-app"), tracing.span(tracing.REPLY):
        answer = await client.chat("tiny", prompt, Sampling(temperature=0, max_tokens=6))
    turn, reply, chat = spans()
    above = [span.parent.span_id for span in (reply, chat)]
    assert above == [span.context.span_id for span in (turn, reply)]
    trace = f"{turn.context.trace_id:032x}"
    if engine == "embedded":
        return  # it answers all the same, and leaves no span of its own

    def found():
        return [span for span in told.named("llm_request") if span.trace == trace]

    await until(found)
    [request] = found()
    assert (request.service, request.parent) == ("vllm", f"{chat.context.span_id:016x}")
    assert request.about["gen_ai.usage.prompt_tokens"] == answer.prompt_tokens
    assert request.about["gen_ai.usage.completion_tokens"] == 6
    heard = b"".join(told.bodies)
    for said in (b"secretword", b"cat sings", answer.text.strip().encode()):
        assert said not in heard


async def test_a_message_left_out_by_the_share_is_left_out_by_the_server_too(
    engine, told, client, spans, monkeypatch
):
    prompt = [{"role": "user", "content": "the cat sings"}]
    left_out = TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False).get_tracer("twin")
    with monkeypatch.context() as patch:
        patch.setattr(tracing, "_tracer", left_out)
        with tracing.span(tracing.TURN) as one:
            await client.chat("tiny", prompt, Sampling(temperature=0, max_tokens=2))
    with tracing.span(tracing.TURN) as other:
        await client.chat("tiny", prompt, Sampling(temperature=0, max_tokens=2))
    traces = [f"{span.get_span_context().trace_id:032x}" for span in (one, other)]
    if engine == "vllm":
        await until(lambda: traces[1] in [span.trace for span in told.named("llm_request")])
    assert traces[0] not in [span.trace for span in told.spans()]


async def test_a_vllm_that_lacks_what_tracing_needs_is_known_before_it_is_started(tmp_path):
    real = find_vllm()
    assert real is None or await can_trace(real)
    poor, python = tmp_path / "vllm", tmp_path / "python"
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    poor.write_text(f"#!{python}\n")
    assert not await can_trace(poor)
    poor.write_text(f"#!{tmp_path / 'no-python'}\n")
    assert not await can_trace(poor)
    poor.write_text("#!/bin/sh\n")  # then the Python beside it is asked
    assert not await can_trace(poor)
