"""Is what all the servers tell one well-formed text, and is every failure in it?"""

from __future__ import annotations

import re

from quick_model import QuickModel

from brain.model_client import ModelClient, ModelUnavailable, Sampling
from brain.replica_metrics import all_metrics, merge
from brain.replicas import Replicas

HISTOGRAM = """# HELP vllm:ttft_seconds Time to the first token.
# TYPE vllm:ttft_seconds histogram
vllm:ttft_seconds_bucket{engine="0",le="+Inf"} 3
vllm:ttft_seconds_count{engine="0"} 3
vllm:ttft_seconds_sum{engine="0"} 0.5
# TYPE vllm:done_total counter
vllm:done_total{reason="a \\"b\\" }"} 2 1395066363000
"""


def samples_of(text):
    """By family, each sample as (name, labels, value); a family must be in one piece, after its type."""
    found, family = {}, ""
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            family = line.split()[2]
            assert family not in found, f"{family} comes twice"
            found[family] = []
        elif not line.startswith("#"):
            name, labels, value = re.fullmatch(r"([a-z_:]+)(?:\{(.*)\})? (\S+)(?: \d+)?", line).groups()
            assert name.startswith(family)
            found[family].append((name, labels or "", float(value)))
    return found


def test_each_family_comes_once_with_the_samples_of_all_servers():
    merged = merge({"a:1": HISTOGRAM, "b:2": HISTOGRAM})
    assert merged.count("# TYPE vllm:ttft_seconds ") == merged.count("# HELP vllm:ttft_seconds ") == 1
    found = samples_of(merged)
    assert set(found) == {"vllm:ttft_seconds", "vllm:done_total"}
    assert [labels[:13] for _, labels, _ in found["vllm:ttft_seconds"]] == ['replica="a:1"'] * 3 + [
        'replica="b:2"'
    ] * 3
    assert found["vllm:done_total"][0][1:] == ('replica="a:1",reason="a \\"b\\" }"', 2)


async def test_failures_retries_and_who_is_out_are_told_and_labels_without_end_are_not():
    servers = [QuickModel(), QuickModel()]
    for server in servers:
        await server.start()
    clients = [ModelClient(server.url) for server in servers]
    async with Replicas(clients, probe_seconds=30) as replicas:
        for server in servers:
            server.fails = True
        prompt = [{"role": "user", "content": "#1"}]
        for _ in range(3):
            try:
                await replicas.chat("quick", prompt, Sampling())
            except ModelUnavailable:
                continue
        await servers[1].stop()
        found = samples_of(await all_metrics(replicas))
    await servers[0].stop()
    names = [server.url.split("/")[2] for server in servers]
    assert "vllm:lora_requests_info" not in found
    assert found["vllm:num_requests_running"][0][1].startswith(f'replica="{names[0]}",model_name=')
    assert len(found["vllm:num_requests_running"]) == 1
    assert found["twin_model_retries_total"] == [("twin_model_retries_total", "", 3)]
    for what, value in (("failures_total", 3), ("ejections_total", 1), ("up", 0)):
        name = f"twin_replica_{what}"
        assert found[name] == [(name, f'replica="{one}"', value) for one in names]
