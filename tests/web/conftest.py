"""Fixtures for browser tests: one browser for all, a live server under a name that passkeys accept, and people."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser
from staging.browsers import Person, browsing
from staging.clocks import OffsetClock
from staging.houses import People, a_request, settle_people
from staging.servers import LiveServer, serving

from workflows import submission
from workflows.records.request import DelegationRequest


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The browser of this run."""
    with browsing() as opened:
        yield opened


@pytest.fixture
def site(tmp_path: Path, live_clock: OffsetClock) -> Iterator[LiveServer]:
    """A live server that browsers reach as `localhost`."""
    with serving(tmp_path, live_clock, name="localhost") as server:
        yield server


@pytest.fixture
def cast(site: LiveServer) -> People:
    """Everybody, settled in the live server's house."""
    return settle_people(site.ports)


@pytest.fixture
def arrive(browser: Browser, site: LiveServer) -> Iterator[Callable[..., Person]]:
    """Somebody new at a browser, as often as it is called; nobody's console may have complained at the end."""
    there: list[Person] = []

    def come(**context: Any) -> Person:
        there.append(Person(browser, site, **context))
        return there[-1]

    yield come
    for person in there:
        person.close()
    assert [complaint for person in there for complaint in person.complaints] == []


@pytest.fixture
def file_request(site: LiveServer, cast: People) -> Callable[..., DelegationRequest]:
    """Files a request of the partner, as often as it is called; every one gets a number of its own."""
    numbers = count(1)

    def create(**more: Any) -> DelegationRequest:
        workflow_id = more.pop("workflow_id", f"wf-{next(numbers):05d}")
        return submission.create(site.ports, cast.call("partner"), a_request(cast, workflow_id, **more))

    return create
