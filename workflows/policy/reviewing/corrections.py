"""Corrections of what a review found, each checked: the finding is gone, no other came, and nothing more is allowed.

A correction is the least change that says the same without the finding: a condition that was forgotten, a resource that
is named, an action left out, or a Deny where a wildcard hides what must not be granted.
"""

import copy
import difflib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from workflows.policy.compare import Verdict, compare
from workflows.policy.context import BOUNDARY_KEY, fold
from workflows.policy.layers import NamedPolicy
from workflows.policy.reviewing.bundle import Bundle, subjects_of
from workflows.policy.reviewing.finding import Finding
from workflows.policy.reviewing.form_rules import ORDER
from workflows.policy.reviewing.subject import Subject, policy_of

Tree = dict[str, Any]
Change = Callable[[Tree, Finding, Bundle], bool]
Review = Callable[[Bundle], Sequence[Finding]]

_STEPS: Final = 2_000_000


@dataclass(frozen=True, slots=True)
class Correction:
    """The corrected document, and how it differs from the one that was handed in."""

    text: str
    diff: str


def correction(bundle: Bundle, finding: Finding, found: Sequence[Finding], review: Review) -> Correction | None:
    """Return a checked correction of one of the findings of a bundle, None where there is none to offer.

    A statement on every service is better thrown away than corrected.
    """
    alone = _alone(bundle, finding.artefact)
    text = _text_of(alone, finding.artefact)
    before = None if text is None else _subject(alone, finding.artefact)
    hopeless = any((one.rule, one.artefact, one.path) == ("V5", finding.artefact, finding.path) for one in found)
    if text is None or before is None or hopeless:
        return None
    known = Counter(one.rule for one in found if one.artefact == finding.artefact)
    for change in _CHANGES.get(finding.rule, ()):
        tree: Tree = json.loads(text)
        if isinstance(tree["Statement"], dict):
            tree["Statement"] = [tree["Statement"]]
        if not change(tree, finding, alone) or not tree["Statement"]:
            continue
        corrected = json.dumps(tree, indent=2, ensure_ascii=False)
        changed = _with_text(alone, finding.artefact, corrected)
        after = _subject(changed, finding.artefact)
        if after is None or not after.allows or not _within(after, before):
            continue
        left = Counter(one.rule for one in review(changed))
        if left[finding.rule] < known[finding.rule] and not left - known:
            return Correction(corrected, _diff(text, corrected, finding.artefact))
    return None


def _alone(bundle: Bundle, name: str) -> Bundle:
    """The bundle with one document alone, of which the others' ARNs are still known."""
    template = bundle.template if bundle.template is not None and bundle.template.name == name else None
    boundaries = tuple(one for one in bundle.boundaries if one.name == name)
    return replace(bundle, template=template, boundaries=boundaries, known_boundaries=bundle.boundary_arns)


def _within(after: Subject, before: Subject) -> bool:
    """Whether the corrected document allows nothing that the first does not."""
    narrow, wide = ([NamedPolicy("review", policy_of(one.statements))] for one in (after, before))
    return compare(narrow, wide, steps=_STEPS).verdict is Verdict.PROVEN


def _diff(before: str, after: str, name: str) -> str:
    written = json.dumps(json.loads(before), indent=2, ensure_ascii=False)
    lines = difflib.unified_diff(written.splitlines(), after.splitlines(), name, name, lineterm="", n=2)
    return "\n".join(lines)


def _text_of(bundle: Bundle, name: str) -> str | None:
    documents = (*((bundle.template,) if bundle.template else ()), *bundle.boundaries)
    return next((one.text for one in documents if one.name == name), None)


def _with_text(bundle: Bundle, name: str, text: str) -> Bundle:
    if bundle.template is not None and bundle.template.name == name:
        return replace(bundle, template=replace(bundle.template, text=text))
    return replace(
        bundle, boundaries=tuple(replace(one, text=text) if one.name == name else one for one in bundle.boundaries)
    )


def _subject(bundle: Bundle, name: str) -> Subject | None:
    return next((one for one in subjects_of(bundle)[0] if one.name == name), None)


# --- changes ---------------------------------------------------------------------------------------------


def _statement(tree: Tree, finding: Finding) -> Tree | None:
    statement: Tree | None = None if finding.place is None else tree["Statement"][finding.place]
    return statement


def _listed(value: object) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]


def _apart(tree: Tree, finding: Finding) -> Tree | None:
    """The statement with the finding's actions alone; other actions of it go on in a statement of their own.

    None where the actions are not written out.
    """
    statement = _statement(tree, finding)
    if statement is None or "Action" not in statement:
        return None
    wanted = {fold(action) for action in finding.actions}
    actions = _listed(statement["Action"])
    taken = [one for one in actions if fold(one) in wanted]
    left = [one for one in actions if fold(one) not in wanted]
    if not taken or (set(map(fold, taken)) != wanted and any(set("*?") & set(one) for one in left)):
        return None
    if left:
        rest = copy.deepcopy(statement)
        rest["Action"] = left
        if "Sid" in rest:
            rest["Sid"] = f"{rest['Sid']}Rest"
        tree["Statement"].insert(tree["Statement"].index(statement) + 1, rest)
    statement["Action"] = taken if len(taken) > 1 else taken[0]
    return statement


def _demand(statement: Tree, operator: str, key: str, value: str) -> None:
    condition = statement.setdefault("Condition", {})
    condition.setdefault(operator, {})[key] = value


def _add_boundary(tree: Tree, finding: Finding, bundle: Bundle) -> bool:
    arns = sorted(bundle.boundary_arns)
    statement = _apart(tree, finding) if len(arns) == 1 else None
    if statement is None:
        return False
    condition = statement.setdefault("Condition", {})
    for keys in condition.values():
        for key in [one for one in keys if fold(one) == BOUNDARY_KEY]:
            del keys[key]
    statement["Condition"] = {operator: keys for operator, keys in condition.items() if keys}
    _demand(statement, "StringEquals", "iam:PermissionsBoundary", arns[0])
    return True


def _add_account(tree: Tree, finding: Finding, _bundle: Bundle) -> bool:
    statement = _statement(tree, finding)
    if statement is None or tree.get("Version") != "2012-10-17":
        return False
    for operator, keys in list(statement.get("Condition", {}).items()):
        for key in [one for one in keys if fold(one) == "aws:resourceaccount"]:
            del keys[key]
        if not keys:
            del statement["Condition"][operator]
    _demand(statement, "StringEquals", "aws:ResourceAccount", "${aws:PrincipalAccount}")
    return True


def _own_path(tree: Tree, finding: Finding, bundle: Bundle) -> bool:
    if bundle.domain is None:
        return False
    statement = _apart(tree, finding)
    if statement is None:
        return False
    is_template = bundle.template is not None and bundle.template.name == finding.artefact
    kind = "policy" if any("Policy" in action and "Role" not in action for action in finding.actions) else "role"
    account = _account_of(tree) if is_template else "*"
    statement.pop("NotResource", None)
    statement["Resource"] = f"arn:aws:iam::{account}:{kind}/{bundle.domain}/*"
    return True


def _account_of(tree: Tree) -> str:
    """The placeholder for the account that the template uses already, else a wildcard: a new one would be asked for."""
    text = json.dumps(tree)
    start = text.find(":iam::@{")
    return text[start + len(":iam::") : text.find("}", start) + 1] if start >= 0 else "*"


def _leave_out(tree: Tree, finding: Finding, _bundle: Bundle) -> bool:
    statement = _statement(tree, finding)
    if statement is None or "Action" not in statement:
        return False
    wanted = {fold(action) for action in finding.actions}
    left = [one for one in _listed(statement["Action"]) if fold(one) not in wanted]
    if len(left) == len(_listed(statement["Action"])):
        return False
    if left:
        statement["Action"] = left if len(left) > 1 else left[0]
    else:
        tree["Statement"].remove(statement)
    return True


def _deny(tree: Tree, finding: Finding, _bundle: Bundle) -> bool:
    if not finding.actions or any(set("*?") & set(action) or ":" not in action for action in finding.actions):
        return False
    actions = sorted(finding.actions)
    denied = {"Effect": "Deny", "Action": actions if len(actions) > 1 else actions[0], "Resource": "*"}
    tree["Statement"].append(denied)
    return True


def _demand_presence(tree: Tree, finding: Finding, _bundle: Bundle) -> bool:
    statement = _statement(tree, finding)
    if statement is None:
        return False
    _demand(statement, "Null", finding.actions[0], "false")
    return True


def _drop_if_exists(tree: Tree, finding: Finding, _bundle: Bundle) -> bool:
    statement = _statement(tree, finding)
    condition: Mapping[str, Tree] = statement.get("Condition", {}) if statement is not None else {}
    if statement is None or not any(operator.endswith("IfExists") for operator in condition):
        return False
    merged: dict[str, Tree] = {}
    for operator, keys in condition.items():
        merged.setdefault(operator.removesuffix("IfExists"), {}).update(keys)
    statement["Condition"] = merged
    return True


def _reorder(tree: Tree, finding: Finding, _bundle: Bundle) -> bool:
    statement = _statement(tree, finding)
    if statement is None:
        return False
    ordered = {key: statement[key] for key in sorted(statement, key=ORDER.index)}
    statement.clear()
    statement.update(ordered)
    return True


def _sort(tree: Tree, finding: Finding, _bundle: Bundle) -> bool:
    statement = _statement(tree, finding)
    for element in ("Action", "NotAction"):
        if statement is not None and isinstance(statement.get(element), list):
            statement[element] = sorted(statement[element])
    return True


_CHANGES: Final[Mapping[str, tuple[Change, ...]]] = {
    "S2": (_add_boundary, _leave_out, _deny),
    "S3": (_add_boundary, _leave_out, _deny),
    "V12": (_add_boundary, _leave_out, _deny),
    "E-REWRITE": (_add_boundary, _own_path, _leave_out, _deny),
    "E-TRUST": (_add_boundary, _leave_out, _deny),
    "E-BOUNDARY": (_add_boundary, _leave_out, _deny),
    "E-DELEGATION": (_leave_out, _deny),
    "E-PASS-COMPUTE": (_own_path, _leave_out, _deny),
    "E-PASS-DATA": (_own_path, _leave_out, _deny),
    "E-PASS-DEPLOY": (_own_path, _leave_out, _deny),
    "E-TAKEOVER": (_leave_out, _deny),
    "V1": (_reorder,),
    "V2": (_sort,),
    "V8": (_leave_out, _deny),
    "V10": (_leave_out, _deny),
    "V11": (_leave_out, _deny),
    "V13": (_own_path, _leave_out, _deny),
    "V14": (_leave_out, _deny),
    "V15": (_own_path, _leave_out, _deny),
    "V16": (_own_path, _leave_out, _deny),
    "V17": (_leave_out, _deny),
    "V18": (_leave_out, _deny),
    "V19": (_leave_out, _deny),
    "V20": (_leave_out, _deny),
    "V21": (_add_account,),
    "S5": (_leave_out,),
    "S8-FORALL": (_demand_presence,),
    "S8-HIDDEN": (_deny,),
    "S8-IFEXISTS": (_drop_if_exists,),
    "S8-REQUEST-TAG": (_leave_out,),
    "S10": (_leave_out,),
    "RESOURCE": (_leave_out,),
}
