"""How many requests may be out: fewer when the service is overrun, none while it says wait."""

from __future__ import annotations

import asyncio
import time

from data_collection.pace import Pace


async def let(pace, count):
    """Start `count` requests and let those go that may."""
    tasks = [asyncio.create_task(pace.enter()) for _ in range(count)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


def test_no_more_are_out_than_the_limit_and_each_that_returns_lets_one_go():
    async def check():
        pace = Pace(3)
        tasks = await let(pace, 5)
        assert [task.done() for task in tasks] == [True, True, True, False, False]
        pace.leave()
        await asyncio.gather(*tasks[:4])
        assert not tasks[4].done()
        pace.leave()
        await tasks[4]
        assert pace.in_flight == 3

    asyncio.run(check())


def test_the_limit_doubles_in_a_round_until_the_service_is_overrun_and_then_creeps():
    pace = Pace(1000)
    start = pace.limit
    for _ in range(int(start)):
        pace.succeeded(time.monotonic())
    assert pace.limit == 2 * start
    pace.overrun(time.monotonic())
    assert pace.limit == start
    for _ in range(int(start)):
        pace.succeeded(time.monotonic())
    assert start + 0.9 < pace.limit <= start + 1


def test_a_burst_of_refusals_halves_the_limit_once():
    pace = Pace(16)
    began = time.monotonic()
    for _ in range(10):
        pace.overrun(began)
    assert pace.limit == 8
    for _ in range(20):
        pace.overrun(time.monotonic())
    assert pace.limit == 1


def test_the_limit_never_passes_what_was_asked_for():
    pace = Pace(20)
    for _ in range(100):
        pace.succeeded(time.monotonic())
    assert pace.limit == 20


def test_nothing_goes_during_a_pause_and_everything_after_it():
    async def check():
        pace = Pace(4)
        began = time.monotonic()
        pace.pause(0.2)
        pace.pause(0.05)  # a shorter one does not end a longer one
        given = await asyncio.gather(*(pace.enter() for _ in range(4)))
        assert min(given) >= began + 0.2

    asyncio.run(check())


def test_one_that_gives_up_waiting_leaves_its_place_to_another():
    async def check():
        pace = Pace(1)
        first, second, third = await let(pace, 3)
        await first
        second.cancel()
        await asyncio.sleep(0)
        pace.leave()
        await third
        assert pace.in_flight == 1

    asyncio.run(check())
