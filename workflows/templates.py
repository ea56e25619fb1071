"""Policy templates: what a partner registers, and what a request makes of it.

Values are bound on the parsed tree, inside single strings; a value can therefore never add a key or a
statement, and a list only grows where the template says so. The result is parsed again as a policy before
anybody relies on it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import product
from math import prod
from typing import Final

from workflows.errors import BadInput, MalformedPolicy, TemplateMismatch
from workflows.policy.binding import OPEN, bound, joined, parts
from workflows.policy.conditions import Quantifier
from workflows.policy.context import BOUNDARY_KEY, fold
from workflows.policy.document import (
    STORED,
    Effect,
    Policy,
    PolicyKind,
    Statement,
    parse_policy,
    policy_from_tree,
)
from workflows.policy.patterns import ARN_FIELDS, Work
from workflows.policy.strict_json import Json, item, member, minified, quoted, read_json
from workflows.policy.variables import Variable, read_pieces

MAX_PARAMETERS: Final = 50
MAX_VALUES: Final = 100
MAX_VALUE_CHARACTERS: Final = 1024
MAX_RENDERED_CHARACTERS: Final = 2048
MAX_BOUNDARY_CHARACTERS: Final = 6144
MAX_TEMPLATE_CHARACTERS: Final = 20_480

_FIELD: Final = "Permissions.Parameters"
VALUE: Final = "value"
SWITCH: Final = "switch"
_ON: Final = "True"
_NAME: Final = re.compile(r"[ -|~]{5,256}")
_VALUE: Final = re.compile(r"[ -~]{1,1024}")
_COLLAPSED: Final = frozenset((".", "..", "/"))
# What stands for a value while a template is judged: inside a string any word will do, a string that begins
# with a placeholder may well be a whole ARN.
_SAMPLE: Final = "x"
_SAMPLE_ARN: Final = "arn:x:x:x:x:x"


class ParameterType(StrEnum):
    """How many values a parameter has: one, or any number."""

    STRING = "string"
    STRING_LIST = "stringList"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One named parameter as a request supplies it."""

    name: str
    values: tuple[str, ...]
    type: ParameterType = ParameterType.STRING


@dataclass(frozen=True, slots=True)
class ParameterDeclaration:
    """What a template says about a parameter by using it: `used_as` holds "value", "switch" or both."""

    name: str
    used_as: frozenset[str]
    wildcard_safe: bool


@dataclass(frozen=True, slots=True)
class Template:
    """A registered template; `parameters` are in the order of their first use.

    INVARIANT: `tree` is never changed after construction; rendering builds a new one.
    """

    text: str
    parameters: tuple[ParameterDeclaration, ...]
    tree: Json = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Rendered:
    """A template with its values put in: `text` is minified JSON, `policy` is that text parsed."""

    text: str
    policy: Policy


def parse_parameter_type(text: str) -> ParameterType:
    """The type that `text` names in any letter case; raises `BadInput`."""
    for kind in ParameterType:
        if kind.value.lower() == text.lower():
            return kind
    raise BadInput("Type", f"is {quoted(text)}; accepted are string and stringList")


# --- registration ----------------------------------------------------------------------------------------


def parse_template(text: str, *, wildcard_safe: frozenset[str] = frozenset()) -> Template:
    """The template that `text` spells; raises `MalformedPolicy` unless it makes a policy with sample values.

    `wildcard_safe` names the parameters whose values may hold `*` and `?`.
    """
    if len(text) > MAX_TEMPLATE_CHARACTERS:
        raise MalformedPolicy("$", f"has {len(text)} characters; at most {MAX_TEMPLATE_CHARACTERS} are accepted")
    tree = read_json(text)
    survey = _Survey()
    sampled = bound(tree, survey)
    if OPEN in minified(sampled):
        raise MalformedPolicy(_misplaced(sampled), "holds @{; only Resource, NotResource and condition values may")
    if len(survey.uses) > MAX_PARAMETERS:
        raise MalformedPolicy("$", f"uses {len(survey.uses)} parameters; at most {MAX_PARAMETERS} are accepted")
    if unused := sorted(wildcard_safe - survey.uses.keys()):
        raise MalformedPolicy("$", f"does not use {quoted(unused[0])}, which is marked as safe for wildcards")
    policy_from_tree(sampled, kind=PolicyKind.SESSION)
    return Template(text, tuple(survey.declarations(wildcard_safe)), tree)


def parse_boundary(text: str) -> Policy:
    """The permissions boundary that `text` spells; raises `MalformedPolicy`, also for any placeholder."""
    policy = parse_policy(text, kind=PolicyKind.BOUNDARY, max_chars=MAX_BOUNDARY_CHARACTERS)
    if OPEN in minified(read_json(text)):
        raise MalformedPolicy("$", "holds @{; a boundary takes no parameters")
    return policy


class _Survey:
    """The binder of registration: keeps every statement, notes every parameter, puts samples in."""

    def __init__(self) -> None:
        self.uses: dict[str, set[str]] = {}

    def declarations(self, wildcard_safe: frozenset[str]) -> Iterator[ParameterDeclaration]:
        """What was noted, in the order of first use."""
        for name, used_as in self.uses.items():
            yield ParameterDeclaration(name, frozenset(used_as), name in wildcard_safe)

    def keeps(self, switch: Json, path: str) -> bool:
        """Always; raises `MalformedPolicy` for a switch that names no parameter."""
        if not isinstance(switch, str):
            raise MalformedPolicy(path, 'is not a text; accepted are "NAME" and "!NAME"')
        self._note(switch.removeprefix("!"), SWITCH, path)
        return True

    def expanded(self, text: str, path: str) -> list[str]:
        """The text with samples for its placeholders; raises `MalformedPolicy` where one must not stand."""
        literals, names = parts(text)
        for name in names:
            self._note(name, VALUE, path)
        for piece in read_pieces("\0".join(literals), path):
            if isinstance(piece, Variable) and "\0" in (piece.default or ""):
                raise MalformedPolicy(path, "holds a placeholder inside a policy variable")
        samples = [_SAMPLE_ARN if not literals[0] and at == 0 else _SAMPLE for at in range(len(names))]
        return [joined(literals, samples)]

    def _note(self, name: str, use: str, path: str) -> None:
        if _NAME.fullmatch(name) is None or OPEN in name or name.startswith("!"):
            raise MalformedPolicy(
                path,
                f"names the parameter {quoted(name)}; accepted are 5 to 256 printable ASCII without }}",
            )
        self.uses.setdefault(name, set()).add(use)


def _misplaced(tree: Json) -> str:
    """The path of the deepest value that holds a placeholder, or of the object that has one in a name."""
    path = "$"
    while True:
        match tree:
            case dict():
                steps = [(member(path, name), value) for name, value in tree.items()]
            case list():
                steps = [(item(path, index), value) for index, value in enumerate(tree)]
            case _:
                return path
        found = next((step for step in steps if OPEN in minified(step[1])), None)
        if found is None:
            return path
        path, tree = found


# --- rendering -------------------------------------------------------------------------------------------


def render(template: Template, parameters: Sequence[Parameter]) -> Rendered:
    """The policy that the template makes of the parameters; raises `TemplateMismatch` when they do not fit.

    Every parameter of the template must be there and no other; the result has at most 2048 characters.
    """
    values = _accepted(template, parameters)
    tree = bound(template.tree, _Filling(values))
    if isinstance(tree, dict) and tree.get("Statement") == []:
        raise TemplateMismatch(_FIELD, "switch off every statement; at least one must stay")
    text = minified(tree)
    _refuse_length(len(text))
    try:
        return Rendered(text, parse_policy(text, kind=PolicyKind.SESSION))
    except MalformedPolicy as refused:
        raise TemplateMismatch(_FIELD, f"make a policy that is refused: {refused}") from refused


def _refuse_length(length: int) -> None:
    if length > MAX_RENDERED_CHARACTERS:
        raise TemplateMismatch(
            _FIELD, f"make a policy of more than {MAX_RENDERED_CHARACTERS} characters, which is the limit"
        )


class _Filling:
    """The binder of rendering: drops what is switched off and puts values in."""

    def __init__(self, values: Mapping[str, tuple[str, ...]]) -> None:
        self._values = values
        self._characters = 0

    def keeps(self, switch: Json, path: str) -> bool:
        """Whether the parameter is exactly `True`, or with `!` in front anything else."""
        assert isinstance(switch, str), path
        name = switch.removeprefix("!")
        return (self._values[name] == (_ON,)) == (name == switch)

    def expanded(self, text: str, path: str) -> list[str]:
        """One text for every combination of values; raises `TemplateMismatch`."""
        literals, names = parts(text)
        distinct = list(dict.fromkeys(names))
        if prod(len(self._values[name]) for name in distinct) > STORED.list_values:
            raise TemplateMismatch(_FIELD, f"make more than {STORED.list_values} entries of {path}")
        choices = product(*(self._values[name] for name in distinct))
        return [self._filled(literals, names, dict(zip(distinct, choice, strict=True))) for choice in choices]

    def _filled(self, literals: Sequence[str], names: Sequence[str], choice: Mapping[str, str]) -> str:
        text = joined(literals, [choice[name] for name in names])
        self._characters += len(text)
        _refuse_length(self._characters)
        if text.count("${") != sum(literal.count("${") for literal in literals):
            raise TemplateMismatch(_FIELD, f"make a policy variable of {quoted(text)}")
        _refuse_shifted_fields(literals, names, choice)
        return text


def _refuse_shifted_fields(literals: Sequence[str], names: Sequence[str], choice: Mapping[str, str]) -> None:
    """Refuses a colon in a value that stands before the fifth colon of an ARN: it would shift the account."""
    colons = 0
    for literal, name in zip(literals, names, strict=False):
        colons += literal.count(":")
        is_field = literals[0].startswith("arn:") and colons < ARN_FIELDS - 1
        if is_field and ":" in choice[name]:
            raise TemplateMismatch(_FIELD, f"give {quoted(name)} a colon, which would shift the fields of an ARN")


def _accepted(template: Template, parameters: Sequence[Parameter]) -> Mapping[str, tuple[str, ...]]:
    """The values by name; raises `TemplateMismatch` unless they are just what the template declares."""
    if len(parameters) > MAX_PARAMETERS:
        raise TemplateMismatch(_FIELD, f"are {len(parameters)}; at most {MAX_PARAMETERS} are accepted")
    declared = {each.name: each for each in template.parameters}
    values: dict[str, tuple[str, ...]] = {}
    for index, parameter in enumerate(parameters):
        path = f"{_FIELD}[{index}]"
        if parameter.name in values:
            raise TemplateMismatch(f"{path}.Name", f"repeats {quoted(parameter.name)}")
        if (declaration := declared.get(parameter.name)) is None:
            raise TemplateMismatch(f"{path}.Name", f"is {quoted(parameter.name)}, which the template does not use")
        _refuse_count(parameter, declaration, path)
        for place, value in enumerate(parameter.values):
            _refuse_value(value, declaration, f"{path}.Values[{place}]")
        values[parameter.name] = parameter.values
    if missing := [name for name in declared if name not in values]:
        raise TemplateMismatch(_FIELD, f"lack {quoted(missing[0])}, which the template uses")
    return values


def _refuse_count(parameter: Parameter, declaration: ParameterDeclaration, path: str) -> None:
    is_list = parameter.type is ParameterType.STRING_LIST
    if is_list and SWITCH in declaration.used_as:
        raise TemplateMismatch(f"{path}.Type", "is stringList; a parameter that switches statements is a string")
    most = MAX_VALUES if is_list else 1
    if not 1 <= len(parameter.values) <= most:
        raise TemplateMismatch(f"{path}.Values", f"has {len(parameter.values)} entries; accepted are 1 to {most}")


def _refuse_value(value: str, declaration: ParameterDeclaration, path: str) -> None:
    if _VALUE.fullmatch(value) is None:
        problem = f"is not 1 to {MAX_VALUE_CHARACTERS} printable ASCII characters"
    elif "${" in value:
        problem = "holds ${, which would become a policy variable"
    elif not declaration.wildcard_safe and ("*" in value or "?" in value):
        problem = "holds a wildcard, which the template does not allow for this parameter"
    elif value == "/" or any(segment in _COLLAPSED for segment in value.split("/")):
        problem = "holds a path segment that collapses"
    else:
        return
    raise TemplateMismatch(path, problem)


# --- boundaries ------------------------------------------------------------------------------------------

_BOUNDARY_OPERATORS: Final = frozenset(("StringEquals", "StringLike", "ArnEquals", "ArnLike"))
_ROLE_ACTIONS: Final = ("iam:createrole", "iam:putrolepermissionsboundary")
_PARTNER_POLICY: Final = re.compile(
    r"(arn:[a-z-]+:iam::partner:policy/)(?:permissions-boundary/|permission_boundary/)?([^/]+/.+)",
)


def canonical_boundary_arn(arn: str) -> str:
    """The ARN in the one spelling that we store and compare; one that is no partner boundary stays as it is.

    Partners write the path of a boundary as `permissions-boundary/`, `permission_boundary/` or without
    either.
    """
    found = _PARTNER_POLICY.fullmatch(arn)
    return arn if found is None else f"{found[1]}permissions-boundary/{found[2]}"


def role_permission_restriction_arns(policy: Policy) -> tuple[str, ...]:
    """The boundaries that roles made under the policy must carry: canonical, in document order, no repeats.

    They are what Allow statements for iam:CreateRole or iam:PutRolePermissionsBoundary demand of
    iam:PermissionsBoundary by a plain positive operator; IfExists and set operators demand nothing and do not
    count.
    """
    found = (text for statement in policy.statements for text in demanded_boundaries(statement))
    return tuple(dict.fromkeys(map(canonical_boundary_arn, found)))


def demanded_boundaries(statement: Statement) -> Iterator[str]:
    """The values that an Allow for making roles demands of iam:PermissionsBoundary, as written."""
    work = Work()
    if statement.effect is not Effect.ALLOW:
        return
    if not any(statement.covers_action(action, work) for action in _ROLE_ACTIONS):
        return
    for clause in statement.conditions:
        operator = clause.operator
        is_plain = operator.quantifier is Quantifier.NONE and not operator.if_exists
        if is_plain and operator.base in _BOUNDARY_OPERATORS and fold(clause.key) == BOUNDARY_KEY:
            yield from clause.texts
