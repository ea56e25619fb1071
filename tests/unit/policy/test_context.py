"""What is known about a request, by keys that know no case."""

import pytest

from workflows.policy.context import RequestContext


def test_contexts_are_equal_when_they_say_the_same() -> None:
    one, same = RequestContext({"aws:X": "1", "aws:Y": ["a"]}), RequestContext({"AWS:x": "1", "aws:y": ("a",)})
    assert one == same
    assert hash(one) == hash(same)
    assert one != RequestContext({"aws:x": "1"})
    assert RequestContext({"aws:x": "1"}) != RequestContext({"aws:x": ["1"]})
    assert one != {"aws:x": "1", "aws:y": ("a",)}
    assert repr(RequestContext({"aws:X": "1"})) == "RequestContext({'aws:x': '1'})"


def test_a_context_shows_itself_but_cannot_be_changed() -> None:
    context = RequestContext({"aws:X": "1"})
    assert dict(context.as_mapping()) == {"aws:x": "1"}
    with pytest.raises(TypeError):
        context.as_mapping()["aws:x"] = "2"  # type: ignore[index]


def test_one_context_is_laid_over_another() -> None:
    base = RequestContext({"aws:x": "1", "aws:y": "2"})
    over = base.extended(RequestContext({"AWS:Y": "3"}))
    assert (over.get("aws:x"), over.get("aws:Y"), base.get("aws:y")) == ("1", "3", "2")
