"""Whatever a partner puts together is reviewed without failing, and every call that is shown really works."""

from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st
from staging.bundles import TEMPLATE, cases

from workflows.policy.asking import AT_HOME
from workflows.policy.evaluate import decide
from workflows.policy.layers import NamedPolicy
from workflows.policy.review import Bundle, Document, Severity, review
from workflows.policy.strict_json import minified
from workflows.templates import Parameter, parse_template, render

STATEMENTS: Final = [
    {key: value for key, value in one.items() if key != "Sid"}
    for case in cases().values()
    if isinstance(case.get("template"), dict)
    for one in case["template"]["Statement"]
]
CONDITIONS: Final = [one["Condition"] for one in STATEMENTS if "Condition" in one]
RESOURCES: Final = [one["Resource"] for one in STATEMENTS if "Resource" in one]
SWITCHES: Final = ("switch1", "!switch1", "switch2", "accountId")


@st.composite
def statements(draw: st.DrawFn) -> dict[str, Any]:
    """A statement of the corpus with parts of others."""
    one = dict(draw(st.sampled_from(STATEMENTS)))
    one["Effect"] = draw(st.sampled_from(("Allow", "Allow", "Deny")))
    if "Resource" in one and draw(st.booleans()):
        one["Resource"] = draw(st.sampled_from(RESOURCES))
    if draw(st.integers(0, 4)) == 0:
        one["Condition"] = draw(st.sampled_from(CONDITIONS))
    if "Action" in one and draw(st.integers(0, 9)) == 0:
        one["NotAction"] = one.pop("Action")
    if draw(st.integers(0, 3)) == 0:
        one["@Enabled"] = draw(st.sampled_from(SWITCHES))
    return one


@given(
    st.lists(statements(), min_size=1, max_size=4), st.sets(st.sampled_from(("accountId", "bucketName", "roleName")))
)
@settings(max_examples=60, deadline=None)
def test_every_call_that_is_shown_works(drawn: list[dict[str, Any]], safe: set[str]) -> None:
    text = minified({"Version": "2012-10-17", "Statement": drawn})  # type: ignore[dict-item]
    used = frozenset(name for name in safe if f"@{{{name}}}" in text)
    found = review(Bundle(Document(TEMPLATE, text), domain="acme.example", wildcard_safe=used))
    if any(one.rule in ("S1", "S9", "S10") and one.severity is Severity.CRITICAL for one in found):
        return
    template = parse_template(text, wildcard_safe=used)
    for step in (step for one in found for step in one.attack if step.parameters or not template.parameters):
        values = [Parameter(one.name, (step.parameters[one.name],)) for one in template.parameters]
        layers = AT_HOME.layers([NamedPolicy("rendered", render(template, values).policy)])
        assert decide(layers, AT_HOME.request(step.request)).allowed
