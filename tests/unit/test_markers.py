"""A paging marker is good for the caller and list it was made for, for a day, and cannot be made by anybody else."""

import base64
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from staging.clocks import NOON, StillClock
from staging.houses import OPERATOR, People, a_request, house_in

from service.house import House
from service.markers import make_marker, read_marker
from workflows import inquiry, submission
from workflows.errors import BadInput

POSITION = (NOON - timedelta(hours=3, microseconds=1), "dr-5f0c2a7e9b1d4c3f8a6e0b2d4c6f8a1e")
BINDING = ("ListDelegationRequests", "111122223333", "AIDAOWNER", "arn:aws:iam::111122223333:user/owner")


def refused(house: House, marker: str, binding: tuple[str, ...] = BINDING) -> bool:
    try:
        read_marker(house.ports, marker, binding, field="Marker")
    except BadInput as refusal:
        return refusal.field == "Marker"
    return False


def test_a_marker_leads_back_to_its_position_to_the_microsecond(house: House) -> None:
    marker = make_marker(house.ports, POSITION, BINDING)
    assert read_marker(house.ports, marker, BINDING, field="Marker") == POSITION


def test_a_marker_fits_the_wire(house: House) -> None:
    marker = make_marker(house.ports, (NOON, "x" * 128), BINDING)
    assert len(marker) <= 320
    assert marker.isascii()
    assert marker.isprintable()


@pytest.mark.parametrize("place", range(len(BINDING)))
def test_a_marker_of_another_operation_account_caller_or_filter_is_refused(house: House, place: int) -> None:
    marker = make_marker(house.ports, POSITION, BINDING)
    other = (*BINDING[:place], BINDING[place] + "x", *BINDING[place + 1 :])
    assert refused(house, marker, other)


def test_two_bindings_that_join_to_the_same_text_are_two(house: House) -> None:
    assert refused(house, make_marker(house.ports, POSITION, ("ab", "c")), ("a", "bc"))


def test_a_marker_is_good_for_a_day_and_not_at_its_end(house: House, clock: StillClock) -> None:
    marker = make_marker(house.ports, POSITION, BINDING)
    clock.advance(days=1, microseconds=-1)
    assert not refused(house, marker)
    clock.advance(microseconds=1)
    assert refused(house, marker)


def test_a_flipped_bit_anywhere_in_a_marker_is_noticed(house: House) -> None:
    raw = base64.urlsafe_b64decode(make_marker(house.ports, POSITION, BINDING) + "==")
    for at in range(len(raw)):
        altered = bytes([*raw[:at], raw[at] ^ 1, *raw[at + 1 :]])
        assert refused(house, base64.urlsafe_b64encode(altered).rstrip(b"=").decode())


@given(st.text(max_size=340) | st.binary(max_size=240).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_any_other_text_is_refused_and_never_breaks_anything(house: House, text: str) -> None:
    assert refused(house, text)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"[1,2,3,4]",
        b'["k9",9999999999,"x","y"]',
        b'["k1",9999999999,"2026-01-02T12:00:00+00:00","a"]',
    ],
)
def test_a_forged_body_without_the_key_is_refused(house: House, body: bytes) -> None:
    assert refused(house, base64.urlsafe_b64encode(b"\x00" * 16 + body).rstrip(b"=").decode())


def test_a_marker_survives_a_restart_and_is_nothing_to_another_deployment(
    house: House,
    clock: StillClock,
    tmp_path: Path,
) -> None:
    marker = make_marker(house.ports, POSITION, BINDING)
    house.close()
    again, other = house_in(tmp_path, clock), house_in(tmp_path / "other", clock)
    try:
        assert not refused(again, marker)
        assert refused(other, marker)
    finally:
        again.close()
        other.close()


def test_pages_show_every_request_once_in_order_though_all_were_made_at_one_instant(
    house: House, people: People
) -> None:
    made = [submission.create(house.ports, people.call("partner"), a_request(people, f"wf-{n:05}")) for n in range(7)]
    seen: list[str] = []
    after = None
    while True:
        page = inquiry.all_requests(house.ports, OPERATOR, limit=3, after=after)
        seen += [one.id for one in page.requests]
        if page.after is None:
            break
        marker = make_marker(house.ports, page.after, BINDING)
        after = read_marker(house.ports, marker, BINDING, field="Marker")
    assert seen == sorted((one.id for one in made), reverse=True)
