"""Which statements speak of a request, and what a layer of documents says about it."""

from typing import Any, NamedTuple

from reference.naive_conditions import conditions_hold
from reference.naive_patterns import Known, action_matches, resource_matches
from reference.naive_principals import Caller, deny_hits
from reference.naive_rules import rule, yes_or_no

Document = dict[str, Any]
Statement = dict[str, Any]
Case = dict[str, Any]


class Question(NamedTuple):
    """A case, with the caller and the keys of its context in a form that can be compared."""

    case: Case
    caller: Caller
    action: str
    resource: str
    keys: dict[str, Any]

    def documents(self, member: str) -> list[Document]:
        """The documents of a member; for levels those of all of them."""
        entries = self.case.get(member) or []
        entries = entries if isinstance(entries, list) else [entries]
        return [one for entry in entries for one in (entry if isinstance(entry, list) else [entry])]


def as_list(value: Any) -> list[Any]:
    """A list as it is, anything else as the only entry of one."""
    return value if isinstance(value, list) else [value]


def statements_of(document: Document) -> list[Statement]:
    """The statements of a document."""
    return as_list(document["Statement"])


def fitting_statements(document: Document, effect: str, asked: Question) -> list[Statement]:
    """Statements of that effect that speak of the request."""
    known = Known(asked.keys, has_variables=document.get("Version") == "2012-10-17")
    return [each for each in statements_of(document) if each["Effect"] == effect and applies(each, asked, known)]


def effects(documents: list[Document], asked: Question) -> set[str]:
    """The effects of documents that have no principal."""
    return {
        effect for document in documents for effect in ("Allow", "Deny") if fitting_statements(document, effect, asked)
    }


def principal_deny(document: Document, asked: Question) -> bool:
    """Whether a document with principals denies the request to the caller."""
    has_boundary = asked.case.get("permission_boundaries") is not None
    denies = fitting_statements(document, "Deny", asked)
    return any(deny_hits(statement, asked.caller, has_boundary=has_boundary) for statement in denies)


@yes_or_no
def applies(statement: Statement, asked: Question, known: Known) -> bool:
    """All elements of one statement must fit the same request."""
    return all(
        [
            action_fits(statement, asked) in ("listed", "not excluded"),
            resource_fits(statement, asked, known) in ("listed", "not excluded", "none asked"),
            conditions_hold(statement, known),
        ]
    )


@rule("listed", "not listed", "excluded", "not excluded")
def action_fits(statement: Statement, asked: Question) -> str:
    """Action covers what it lists, NotAction everything else."""
    if "Action" in statement:
        fits = any(action_matches(entry, asked.action) for entry in as_list(statement["Action"]))
        return "listed" if fits else "not listed"
    fits = any(action_matches(entry, asked.action) for entry in as_list(statement["NotAction"]))
    return "excluded" if fits else "not excluded"


@rule("listed", "not listed", "excluded", "not excluded", "none asked")
def resource_fits(statement: Statement, asked: Question, known: Known) -> str:
    """Resource covers what it lists, NotResource everything else; a trust policy has neither."""
    if "Resource" in statement:
        entries = as_list(statement["Resource"])
        fits = any(resource_matches(entry, asked.resource, known) for entry in entries)
        return "listed" if fits else "not listed"
    if "NotResource" in statement:
        entries = as_list(statement["NotResource"])
        fits = any(resource_matches(entry, asked.resource, known) for entry in entries)
        return "excluded" if fits else "not excluded"
    return "none asked"
