"""Several real HTTP servers, and whatever befalls them: does everybody get one answer?"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from pathlib import Path

import pytest
from fakes import until
from quick_model import TAIL, QuickModel

from brain.affinity import preferred
from brain.model_client import (
    ModelBusy,
    ModelClient,
    ModelRefused,
    ModelUnavailable,
    Sampling,
    UnknownModel,
)
from brain.replicas import Limits, Replicas

QUICK_MODEL = Path(__file__).parents[1] / "quick_model.py"


def question(number=1):
    return [{"role": "user", "content": f"what about #{number} then"}]


@asynccontextmanager
async def world(count=2, limits=Limits(first_token_seconds=5), silence=5.0, probe_seconds=0.05, **more):
    """So many servers, by name, and the replicas over them."""
    async with AsyncExitStack() as closing:
        servers = {}
        for _ in range(count):
            server = QuickModel(**more)
            await server.start()
            closing.push_async_callback(server.stop)
            servers[server.url.split("/")[2]] = server
        clients = [ModelClient(server.url, timeout=silence) for server in servers.values()]
        replicas = await closing.enter_async_context(Replicas(clients, limits, probe_seconds))
        yield servers, replicas


def home_of(chat, servers):
    return servers[preferred(chat, list(servers))[0]]


async def ask(replicas, number=1, chat=None, model="quick"):
    return (await replicas.chat(model, question(number), Sampling(), session=chat)).text


async def test_a_chat_stays_on_one_server_and_the_chats_are_spread():
    async with world(3) as (servers, replicas):
        for _ in range(3):
            for chat in range(12):
                await ask(replicas, chat, f"chat-{chat}")
        counts = [{words: server.asked.count(words) for words in server.asked} for server in servers.values()]
        assert all(count for count in counts)
        assert [set(count.values()) for count in counts] == [{3}] * 3
        sessions = [set(server.sessions) for server in servers.values()]
        assert sum(map(len, sessions)) == len(set.union(*sessions)) == 12
        assert not any("chat" in session for session in set.union(*sessions))  # no id leaves this process


@pytest.mark.parametrize("fault", ["fails", "down", "silent", "dies_at_once"])
async def test_what_fails_before_the_first_word_is_answered_by_another(fault):
    async with world(2, Limits(first_token_seconds=0.3)) as (servers, replicas):
        home = home_of("a", servers)
        if fault == "dies_at_once":
            home.dies_after = 0
        else:
            setattr(home, fault, True)
        assert (await ask(replicas, 5, "a")).startswith("#5 ")
        assert replicas.retries == 1
        assert sum(len(server.asked) for server in servers.values()) == 2


@pytest.mark.parametrize("fault", ["dies_after", "hangs_after"])
async def test_after_the_first_word_nothing_is_tried_again(fault):
    async with world(2, silence=0.3) as (servers, replicas):
        setattr(home_of("a", servers), fault, 2)
        heard = []

        async def listen():
            async for chunk in replicas.stream_chat("quick", question(), Sampling(), session="a"):
                heard.append(chunk.text)

        with pytest.raises(ModelUnavailable):
            await listen()
        assert heard == ["#1 ", "is "]
        assert sum(len(server.asked) for server in servers.values()) == 1


async def test_a_server_that_keeps_failing_is_out_and_returns_when_it_is_well_again():
    async with world(2) as (servers, replicas):
        bad = home_of("a", servers)
        bad.fails = True
        for _ in range(10):
            await ask(replicas, 1, "a")
        assert len(bad.asked) == 3
        bad.fails = False
        await until(lambda: len(replicas.in_use()) == 2)
        await ask(replicas, 1, "a")
        assert len(bad.asked) == 4


async def test_failures_with_an_answer_in_between_are_no_row():
    async with world(1) as (servers, replicas):
        (server,) = servers.values()
        for fails in (True, True, False, True, True, False):
            server.fails = fails
            if fails:
                with pytest.raises(ModelUnavailable):
                    await ask(replicas)
            else:
                await ask(replicas)
        assert len(replicas.in_use()) == 1


async def test_an_unhealthy_server_is_out_before_anybody_asks_it():
    async with world(2) as (servers, replicas):
        bad = home_of("a", servers)
        bad.down = True
        await until(lambda: len(replicas.in_use()) == 1)
        await ask(replicas, 1, "a")
        assert bad.asked == []
        assert await replicas.healthy()


async def test_who_waits_for_a_first_word_moves_on_as_soon_as_the_server_is_out():
    async with world(2, Limits(first_token_seconds=60), silence=60) as (servers, replicas):
        home = home_of("a", servers)
        home.silent = True
        asking = asyncio.create_task(ask(replicas, 5, "a"))
        await until(lambda: home.busy == 1)
        home.down = True
        assert (await asyncio.wait_for(asking, 10)).startswith("#5 ")


async def test_a_refusal_is_passed_on_and_nobody_else_is_bothered():
    async with world(2) as (servers, replicas):
        with pytest.raises(UnknownModel):
            await ask(replicas, 1, "a", model="nobody")
        assert sum(len(server.asked) for server in servers.values()) == 1
        assert len(replicas.in_use()) == 2


async def test_when_all_are_down_the_reason_is_told_for_each():
    async with world(2) as (servers, replicas):
        for server in servers.values():
            await server.stop()
        with pytest.raises(ModelUnavailable) as caught:
            await ask(replicas)
        await until(lambda: not replicas.in_use())
        with pytest.raises(ModelUnavailable) as caught:
            await ask(replicas)
        assert all(name in str(caught.value) for name in servers)
        assert not await replicas.healthy()


async def test_who_leaves_early_is_not_answered_any_more():
    async with world(1, piece_seconds=0.02) as (servers, replicas):
        (server,) = servers.values()
        async with aclosing(replicas.stream_chat("quick", question(), Sampling())) as chunks:
            async for _ in chunks:
                break
        await until(lambda: server.abandoned == 1)
        waiting = asyncio.create_task(ask(replicas))
        await until(lambda: server.busy == 1)
        waiting.cancel()
        await until(lambda: server.abandoned == 2)
        assert [one.in_flight for one in replicas.in_use()] == [0]


async def test_no_server_gets_more_at_once_than_it_may_and_the_rest_waits_its_turn():
    limits = Limits(at_once=2, queue=100)
    async with world(2, limits, piece_seconds=0.002) as (servers, replicas):
        answers = await asyncio.gather(*(ask(replicas, number, f"{number % 5}") for number in range(30)))
        assert [answer.split()[0] for answer in answers] == [f"#{number}" for number in range(30)]
        assert [server.most_at_once for server in servers.values()] == [2, 2]


async def test_who_finds_the_queue_full_is_told_so_and_a_cancelled_one_leaves_it():
    limits = Limits(at_once=1, queue=2)
    async with world(1, limits) as (servers, replicas):
        (server,) = servers.values()
        server.hangs_after = 1
        asking = [asyncio.create_task(ask(replicas)) for _ in range(3)]
        await until(lambda: server.busy == 1)
        with pytest.raises(ModelBusy, match="2 answers wait already"):
            await ask(replicas)
        assert replicas.turned_away == 1
        server.hangs_after = None
        asking.pop().cancel()  # the last in the queue
        last = asyncio.create_task(ask(replicas))
        asking[0].cancel()  # the one that is being answered
        assert [(await asking[1])[:3], (await last)[:3]] == ["#1 ", "#1 "]


async def test_who_waits_in_the_queue_for_too_long_is_told_so():
    async with world(1, Limits(at_once=1, first_token_seconds=0.2)) as (servers, replicas):
        (server,) = servers.values()
        server.hangs_after = 1
        asking = asyncio.create_task(ask(replicas))
        await until(lambda: server.busy == 1)
        with pytest.raises(ModelBusy, match="too long"):
            await ask(replicas)
        asking.cancel()


async def test_two_places_that_are_free_at_once_are_taken_at_once():
    async with world(1, Limits(at_once=2, first_token_seconds=5), probe_seconds=60) as (servers, replicas):
        (server,) = servers.values()
        server.hangs_after = 1
        first = [asyncio.create_task(ask(replicas)) for _ in range(2)]
        await until(lambda: server.busy == 2)
        second = [asyncio.create_task(ask(replicas)) for _ in range(2)]
        await until(lambda: replicas.waiting == 2)
        for asking in first:
            asking.cancel()
        await until(lambda: len(server.asked) == 4)
        for asking in second:
            asking.cancel()


async def test_nobody_who_comes_later_gets_a_place_earlier():
    async with world(1, Limits(at_once=1)) as (_, replicas):
        counts = [0, 0, 0, 0]

        async def person(number):
            while sum(counts) < 60:
                await ask(replicas, number)  # and again at once, when a place has just become free
                counts[number] += 1

        await asyncio.gather(*map(person, range(4)))
        assert max(counts) - min(counts) <= 1


async def test_an_answer_without_end_is_ended():
    async with world(1, Limits(answer_seconds=0.1), piece_seconds=0.03) as (_, replicas):
        with pytest.raises(ModelUnavailable, match="no end"):
            await ask(replicas)


async def test_one_that_goes_and_one_that_comes_under_load_fail_nobody():
    async with world(3, piece_seconds=0.002) as (servers, replicas):
        answers, stop = [], asyncio.Event()

        async def person(number):
            while not stop.is_set():
                answers.append((number, await ask(replicas, number, f"chat {number}")))

        people = [asyncio.create_task(person(number)) for number in range(24)]
        first, *_ = servers.values()
        for _ in range(3):
            before = replicas.retries
            first.silent = first.fails = True  # what has begun goes on to its end
            await until(lambda: replicas.retries > before)  # noqa: B023 (asked at once)
            first.silent = first.fails = False
            await until(lambda: len(replicas.in_use()) == 3)
        stop.set()
        await asyncio.gather(*people)
        assert len(answers) >= 24
        assert all(answer.startswith(f"#{number} is") for number, answer in answers)


# adapters


async def test_an_adapter_is_loaded_everywhere_and_unloaded_everywhere():
    async with world(3) as (servers, replicas):
        assert await replicas.load_adapter("sft-1", "/adapters/sft-1") == {}
        assert [server.adapters for server in servers.values()] == [{"sft-1": "/adapters/sft-1"}] * 3
        assert await replicas.models() == ["quick", "sft-1"]
        await replicas.load_adapter("sft-1", "/adapters/sft-1")
        await replicas.unload_adapter("sft-1")
        assert [server.adapters for server in servers.values()] == [{}] * 3


async def test_who_would_not_load_an_adapter_is_not_asked_for_it():
    async with world(2) as (servers, replicas):
        home_of("a", servers).refuses.add("sft-1")
        (refusal,) = (await replicas.load_adapter("sft-1", "/adapters/sft-1")).values()
        assert "no good" in str(refusal)
        for _ in range(3):
            await ask(replicas, 1, "a", model="sft-1")
        await ask(replicas, 1, "a")
        assert len(home_of("a", servers).asked) == 1


async def test_an_adapter_that_nobody_would_load_is_refused():
    async with world(2) as (servers, replicas):
        for server in servers.values():
            server.refuses.add("sft-1")
        with pytest.raises(ModelRefused, match="no good"):
            await replicas.load_adapter("sft-1", "/adapters/sft-1")
        assert len(replicas.in_use()) == 2
        with pytest.raises(ModelRefused, match="would not load sft-1"):
            await ask(replicas, 1, "a", model="sft-1")


async def test_one_that_comes_late_or_was_away_holds_what_is_wanted_before_it_is_asked():
    async with world(2) as (servers, replicas):

        async def wanted():
            return {"sft-1": "/adapters/sft-1"}

        replicas.wanted = wanted
        late = home_of("a", servers)
        late.down = True
        await until(lambda: len(replicas.in_use()) == 1)
        await replicas.load_adapter("sft-1", "/adapters/sft-1")
        assert late.adapters == {}
        late.down = False
        for _ in range(60):  # none of them ever meets a server without it
            await ask(replicas, 1, "a", model="sft-1")
            await asyncio.sleep(0.005)
        await until(lambda: len(replicas.in_use()) == 2)
        await ask(replicas, 1, "a", model="sft-1")
        assert late.adapters == {"sft-1": "/adapters/sft-1"}
        assert late.asked


async def test_a_server_of_another_base_model_is_never_asked():
    async with AsyncExitStack() as closing:
        servers = [QuickModel(), QuickModel()]
        for server in servers:
            await server.start()
            closing.push_async_callback(server.stop)
        clients = [ModelClient(server.url) for server in servers]
        replicas = Replicas(clients, probe_seconds=0.05)
        await servers[1].stop()
        await closing.enter_async_context(replicas)
        other = QuickModel(name="other")
        await other.start(int(servers[1].url.split("/")[2].split(":")[1]))
        closing.push_async_callback(other.stop)
        await until(lambda: any("serves other" in one.health.why for one in replicas.replicas.values()))
        assert len(replicas.in_use()) == 1


async def test_while_the_gpu_is_lent_to_training_everybody_is_told_so_and_afterwards_answered_again():
    async with world(2) as (servers, _):
        clients = [[ModelClient(server.url) for server in servers.values()] for _ in range(2)]
        ours, others = (Replicas(some, probe_seconds=0.05, may_sleep=True) for some in clients)
        async with ours, others:
            async with ours.asleep():
                assert [server.asleep for server in servers.values()] == [True, True]
                await until(lambda: not others.in_use())
                for replicas in (ours, others):
                    with pytest.raises(ModelUnavailable, match="sleeps while the twin learns"):
                        await ask(replicas)
            assert [server.asleep for server in servers.values()] == [False, False]
            assert (await ask(ours)).startswith("#1 ")
            await until(lambda: len(others.in_use()) == 2)


async def test_a_probe_that_began_before_the_gpu_was_lent_does_not_bring_the_server_back():
    async with world(1) as (servers, _):
        (server,) = servers.values()
        server.probe_seconds = 0.3
        async with Replicas([ModelClient(server.url)], probe_seconds=0.0, may_sleep=True) as replicas:
            await asyncio.sleep(0.1)  # now one is under way
            async with replicas.asleep():
                for _ in range(50):
                    assert not replicas.in_use()
                    await asyncio.sleep(0.01)


async def test_what_a_killed_learner_left_asleep_can_be_woken_and_what_is_lent_here_is_not():
    async with world(1) as (servers, _):
        (server,) = servers.values()
        async with Replicas([ModelClient(server.url)], probe_seconds=0.05, may_sleep=True) as replicas:
            server.asleep = True
            await until(lambda: not replicas.in_use())
            await replicas.wake_forgotten()
            await until(replicas.in_use)
            async with replicas.asleep():
                await replicas.wake_forgotten()
                assert server.asleep


# processes


class Process:
    """A quick model that dies and stops as programs do."""

    def __init__(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.name, self.url = f"127.0.0.1:{self.port}", f"http://127.0.0.1:{self.port}/v1"

    async def start(self):
        command = [sys.executable, str(QUICK_MODEL), str(self.port), "0.01"]
        self.child = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        assert await self.child.stdout.readline() == b"ready\n"

    def signal(self, number):
        os.kill(self.child.pid, number)

    async def stop(self):
        if self.child.returncode is None:
            self.child.kill()
        await self.child.wait()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
async def test_a_process_that_is_killed_or_stopped_fails_only_what_had_begun(how):
    ours = [Process(), Process()]
    await asyncio.gather(*(one.start() for one in ours))
    clients = [ModelClient(one.url, timeout=3) for one in ours]
    begun_and_broken, answers = 0, 0
    try:
        async with Replicas(clients, Limits(first_token_seconds=20), probe_seconds=0.1) as replicas:
            stop = asyncio.Event()

            async def person(number):
                nonlocal begun_and_broken, answers
                while not stop.is_set():
                    heard = ""
                    try:
                        async for chunk in replicas.stream_chat(
                            "quick", question(number), Sampling(), session=f"chat {number}"
                        ):
                            heard += chunk.text
                    except ModelUnavailable:
                        assert heard, "an answer that had not begun was lost"
                        begun_and_broken += 1
                    else:
                        assert heard == f"quick #{number} {TAIL} "
                        answers += 1

            people = [asyncio.create_task(person(number)) for number in range(12)]
            await until(lambda: answers > 12)
            ours[0].signal(how)
            await until(lambda: len(replicas.in_use()) == 1)
            before = answers
            await until(lambda: answers > before + 12)
            if how == signal.SIGKILL:
                await ours[0].start()
            else:
                ours[0].signal(signal.SIGCONT)
            await until(lambda: len(replicas.in_use()) == 2)
            stop.set()
            await asyncio.gather(*people)
            assert begun_and_broken <= 12
    finally:
        for one in ours:
            await one.stop()
