"""Hypothesis strategies for whole cases: a caller, a request, and every kind of policy around it."""

from functools import cache
from typing import Any

from hypothesis import strategies as st
from reference.policy_documents import RESOURCE_PATTERNS, clauses, contexts

Document = dict[str, Any]
Case = dict[str, Any]

HOME, AWAY = "111122223333", "444455556666"

# --- who calls and for what -------------------------------------------------------------------------------

USER = f"arn:aws:iam::{HOME}:user/team/alice"
ROLE = f"arn:aws:iam::{HOME}:role/team/app"
SESSION = f"arn:aws:sts::{HOME}:assumed-role/app/s1"
FEDERATED_USER = f"arn:aws:sts::{HOME}:federated-user/bob"
LINKED = [
    f"arn:aws:iam::{HOME}:role/aws-service-role/x.amazonaws.com/Linked",
    f"arn:aws:sts::{HOME}:assumed-role/AWSServiceRoleForX/s1",
]
PROVIDERS = [f"arn:aws:iam::{HOME}:oidc-provider/id.example.com", f"arn:aws:iam::{HOME}:saml-provider/example"]
SERVICE, CANONICAL = "lambda.amazonaws.com", "0123456789abcdef" * 4
WEB_IDENTITY = "accounts.google.com"

WITH_AN_ACCOUNT: list[str | None] = [
    *[USER] * 4,
    *[SESSION] * 5,
    *[ROLE] * 3,
    *[FEDERATED_USER] * 3,
    *[f"arn:aws:iam::{HOME}:root"] * 3,
    *LINKED,
    USER.replace(HOME, AWAY),
    SESSION.replace(HOME, AWAY),
    SESSION.replace("s1", "s2"),
    USER.replace("team/", ""),
]
WITHOUT: list[str | None] = [None, None, SERVICE, SERVICE, *PROVIDERS, CANONICAL, CANONICAL]

BUCKET = ["arn:aws:s3:::bucket/alice/1", "arn:aws:s3:::bucket", "*"]
QUEUES = [f"arn:aws:sqs:eu-west-1:{HOME}:queue", f"arn:aws:sqs:eu-west-1:{AWAY}:queue"]
ROLES = [f"arn:aws:iam::{HOME}:role/team/target"] * 3 + [f"arn:aws:iam::{AWAY}:role/target", "*"]
KEYS = [f"arn:aws:kms:eu-west-1:{HOME}:key/k1"] * 3 + [f"arn:aws:kms:eu-west-1:{AWAY}:key/k1", "*"]
ON_ROLES = [
    *["sts:AssumeRole"] * 3,
    *("sts:TagSession", "sts:SetSourceIdentity", "sts:SetContext", "STS:assumerole"),
]
BY_FEDERATION = ["sts:AssumeRoleWithWebIdentity", "sts:AssumeRoleWithSAML", "sts:assumerolewithsaml"]

# Callers, actions and resources that belong together.
SCENES: list[tuple[list[str | None], list[str], list[str]]] = [
    *[([*WITH_AN_ACCOUNT, *WITHOUT], ["s3:GetObject", "S3:getobject", "s3:PutObject"], BUCKET)] * 4,
    *[(WITH_AN_ACCOUNT, ["sqs:SendMessage"], QUEUES)] * 2,
    (WITH_AN_ACCOUNT, ["iam:PassRole", "iam:GetRole"], ROLES),
    *[([*WITH_AN_ACCOUNT, *WITHOUT], ON_ROLES, ROLES)] * 2,
    ([*PROVIDERS, WEB_IDENTITY, WEB_IDENTITY, None, USER], BY_FEDERATION, ROLES),
    *[([*WITH_AN_ACCOUNT, *WITHOUT], ["kms:Decrypt", "KMS:DECRYPT", "kms:ListKeys"], KEYS)] * 2,
    ([*WITH_AN_ACCOUNT, *WITHOUT], ["sts:GetCallerIdentity", "STS:getsessiontoken"], ["*"]),
]

# --- whom a policy names ----------------------------------------------------------------------------------

AWS_ENTRIES = [
    *("*", HOME, AWAY, f"arn:aws:iam::{HOME}:root", f"arn:aws:iam::{AWAY}:root"),
    *(USER, USER.lower().replace("alice", "Alice"), USER.replace("team/", ""), USER.replace(HOME, AWAY)),
    *(ROLE, ROLE.replace("team/", ""), ROLE.replace("app", "other"), ROLE.replace(HOME, AWAY)),
    *(SESSION, SESSION.replace("s1", "s2"), SESSION.replace(HOME, AWAY), FEDERATED_USER, *LINKED),
    *("AIDACKCEVSQ6C2EXAMPLE", "AROADBQP57FF2AEXAMPLE", f"arn:aws:iam::{HOME}:user/*"),
]
OTHER_ENTRIES = [
    {"Service": SERVICE},
    {"Service": ["ec2.amazonaws.com", SERVICE]},
    {"Service": "ec2.amazonaws.com"},
    {"CanonicalUser": CANONICAL},
    {"CanonicalUser": CANONICAL[::-1]},
    {"Federated": WEB_IDENTITY},
    {"Federated": PROVIDERS[0]},
    {"Federated": PROVIDERS},
    {"AWS": [HOME, USER], "Service": SERVICE},
    {"AWS": [AWAY, SESSION]},
    {"AWS": [ROLE, FEDERATED_USER], "CanonicalUser": CANONICAL},
    {"AWS": [USER, SESSION, FEDERATED_USER, HOME]},
]


@cache
def principals(caller: str | None) -> st.SearchStrategy[Any]:
    """Entries of every kind, those that speak of the caller more often."""
    apt: list[Any] = ["*", {"AWS": "*"}]
    if caller is not None and ":" in caller and "provider" not in caller:
        account, last = caller.split(":")[4], caller.split(":", 5)[5]
        apt += [{"AWS": account}, {"AWS": f"arn:aws:iam::{account}:root"}, {"AWS": caller}, {"AWS": [AWAY, caller]}]
        if last.startswith("assumed-role/"):
            apt += [{"AWS": f"arn:aws:iam::{account}:role/team/{last.split('/')[1]}"}] * 6
    elif caller is not None:
        apt += [{kind: caller} for kind in ("Service", "Federated", "CanonicalUser") if kind_of(caller) == kind] * 3
    return st.sampled_from([*apt * 8, *({"AWS": entry} for entry in AWS_ENTRIES), *OTHER_ENTRIES])


def kind_of(caller: str) -> str:
    """The kind of entry that names a caller without an account."""
    if caller == CANONICAL:
        return "CanonicalUser"
    return "Federated" if caller in (*PROVIDERS, WEB_IDENTITY) else "Service"


# --- documents about one request --------------------------------------------------------------------------


@cache
def action_patterns(action: str) -> st.SearchStrategy[Any]:
    """Patterns of which most cover the action."""
    service, name = action.split(":")
    near = ["*", action, f"{service}:*", f"{service}:{name[:3]}*", f"{service}:?{name[1:]}", f"*:*{name[3:]}"]
    far = ["s3:List*", "ec2:*", f"{service}:", f"{service}:{name}x", "s3:?", "sts:AssumeRole", "kms:Encrypt"]
    lists = [["ec2:*", action.upper()], ["iam:List*", "sqs:*"]]
    return st.sampled_from([*near * 4, *[one for one in far if not one.endswith(":")], *lists])


@cache
def resource_patterns(resource: str) -> st.SearchStrategy[Any]:
    """Patterns of which most cover the resource."""
    if resource == "*":
        return st.sampled_from(["*", "*", "*", "arn:aws:s3:::*", ["arn:aws:s3:::bucket", "*"]])
    head, last = resource.rsplit(":", 1)
    fields = head.split(":")
    near = [
        *("*", "*", resource, f"{head}:*", f"arn:*:{fields[2]}:*:*:*", f"{head}:?{last[1:]}"),
        *(f"{head}:{last[:3]}*", f"{head}:${{aws:username}}*", f"{head}:${{aws:PrincipalTag/team, '{last}'}}"),
        *(f"{head}:{last[:-5]}${{aws:username, 'alice'}}/?", f"arn:aws:{fields[2]}:e*1:*:*"),
    ]
    far = [resource.upper().replace("ARN:", "arn:"), f"{head}:{last}x", f"{head}:${{*}}", f"arn:aws-cn:{head[8:]}:*"]
    return st.sampled_from([*near * 5, *far, *RESOURCE_PATTERNS, [resource, "arn:aws:s3:::x"], ["arn:aws:s3:::x/*"]])


EFFECTS = st.sampled_from(["Allow", "Allow", "Deny"])
ACTION_MEMBER = st.sampled_from(["Action", "Action", "Action", "Action", "NotAction"])
RESOURCE_MEMBER = st.sampled_from(["Resource", "Resource", "Resource", "Resource", "NotResource"])
PRINCIPAL_MEMBER = st.sampled_from(["Principal", "Principal", "NotPrincipal"])
CLAUSE_COUNT = st.sampled_from([0, 0, 0, 1, 1, 2])
STATEMENT_COUNT = st.sampled_from([1, 1, 1, 2])
VERSION = st.sampled_from(["2012-10-17", "2012-10-17", "2012-10-17", "2012-10-17", "2008-10-17", None])

EVERYTHING = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
EVERYTHING_TO_ALL = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}


@st.composite
def conditions(draw: st.DrawFn) -> Document:
    """A Condition block, or none."""
    found = dict(draw(clauses()) for _ in range(draw(CLAUSE_COUNT)))
    return {"Condition": found} if found else {}


def document(draw: st.DrawFn, statements: list[Document]) -> Document:
    """A document of some version; a lone statement needs no list."""
    version = draw(VERSION)
    one = statements[0] if version is None and len(statements) == 1 else statements
    return {"Statement": one} if version is None else {"Version": version, "Statement": one}


@st.composite
def identity_documents(draw: st.DrawFn, action: str, resource: str) -> Document:
    """A document without principals: identity policy, boundary, session policy or SCP."""
    statements = [
        {
            "Effect": draw(EFFECTS),
            draw(ACTION_MEMBER): draw(action_patterns(action)),
            draw(RESOURCE_MEMBER): draw(resource_patterns(resource)),
            **draw(conditions()),
        }
        for _ in range(draw(STATEMENT_COUNT))
    ]
    return document(draw, statements)


@st.composite
def resource_documents(draw: st.DrawFn, caller: str | None, action: str, resource: str) -> Document:
    """A resource policy or key policy."""
    statements = [
        {
            "Effect": draw(EFFECTS),
            draw(PRINCIPAL_MEMBER): draw(principals(caller)),
            draw(ACTION_MEMBER): draw(action_patterns(action)),
            draw(RESOURCE_MEMBER): draw(resource_patterns(resource)),
            **draw(conditions()),
        }
        for _ in range(draw(STATEMENT_COUNT))
    ]
    return document(draw, statements)


TRUSTED = st.sampled_from(
    [
        *["sts:AssumeRole"] * 2,
        *("sts:AssumeRole*", "sts:*", "sts:TagSession", "sts:SetSourceIdentity"),
        ["sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"],
        ["sts:AssumeRole", "sts:TagSession", "sts:SetContext"],
    ]
)


@st.composite
def trust_documents(draw: st.DrawFn, caller: str | None) -> Document:
    """The trust policy of a role."""
    statements = [
        {
            "Effect": draw(EFFECTS),
            "Principal": draw(principals(caller)),
            "Action": draw(TRUSTED),
            **draw(conditions()),
        }
        for _ in range(draw(STATEMENT_COUNT))
    ]
    return document(draw, statements)


GUARDED = st.sampled_from(["s3:*", "s3:GetObject", "sqs:Send*", "sts:AssumeRole", "kms:*", ["s3:Put*", "sts:*"]])
RCP_PRINCIPAL = st.sampled_from(["*", {"AWS": "*"}])


@st.composite
def resource_guardrails(draw: st.DrawFn, resource: str) -> Document:
    """An RCP of somebody's own making: it denies."""
    statement = {
        "Effect": "Deny",
        "Principal": draw(RCP_PRINCIPAL),
        "Action": draw(GUARDED),
        draw(RESOURCE_MEMBER): draw(resource_patterns(resource)),
        **dict([("Condition", dict([draw(clauses())]))] * draw(st.sampled_from([0, 1, 1, 1]))),
    }
    return document(draw, [statement])


# --- whole cases ------------------------------------------------------------------------------------------


def one_of_shapes(draw: st.DrawFn, shapes: list[str], make: dict[str, st.SearchStrategy[Document]]) -> Any:
    """A nested list of documents, spelt out: a letter is a document, "-" nothing at all, "[]" a list."""
    shape = draw(st.sampled_from(shapes))
    stack: list[list[Any]] = [[]]
    for letter in shape:
        if letter == "[":
            stack.append([])
        elif letter == "]":
            stack[-2].append(stack.pop())
        else:
            stack[-1].append(None if letter == "-" else draw(make[letter]))
    return stack[0][0]


FULL = st.just(EVERYTHING)
FULL_TO_ALL = st.just(EVERYTHING_TO_ALL)
SPARE = st.sampled_from([False, False, True])
ACCOUNTS = st.sampled_from([None, None, "", HOME, HOME, AWAY])
IDENTITY = [*["[f]"] * 5, *["[i]"] * 5, "[]", "[]", "[ii]", "[fi]", "[fi]"]
BOUNDARIES = [*["-"] * 8, "[f]", "[f]", "[f]", "[i]", "[i]", "[]", "[fi]", "[ii]"]
SESSIONS = [*["-"] * 7, *["f"] * 4, *["i"] * 4]
SCPS = [*["[]"] * 8, "[[f]]", "[[f][f]]", "[[f]]", "[[f][i]]", "[[i]]", "[[fi]]", "[[fi][ii]]", "[[]]", "[[f][]]"]
RCPS = [*["[]"] * 6, "[[f]]", "[[f][f]]", "[[r]]", "[[fr]]", "[[f][fr]]", "[[r][r]]", "[[]]", "[[f][]]", "[[a]]"]


WILDNESS = st.sampled_from(["none", "none", "open", "open", "open", "wild", "wild", "wild"])


@st.composite
def resource_policies(draw: st.DrawFn, caller: str | None, action: str, resource: str) -> Document | None:
    """The policy of the resource, of the kind that the action asks for; or none; or open to somebody."""
    wildness, lowered = draw(WILDNESS), action.lower()
    trust = lowered.startswith("sts:") and not lowered.startswith("sts:get")
    if wildness == "none":
        return None
    if wildness == "open":
        everything = {"Action": "sts:*"} if trust else {"Action": "*", "Resource": "*"}
        return {"Statement": [{"Effect": "Allow", "Principal": draw(principals(caller)), **everything}]}
    return draw(trust_documents(caller) if trust else resource_documents(caller, action, resource))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A whole case; members that say nothing are left out now and then."""
    callers, actions, resources = draw(st.sampled_from(SCENES))
    caller, action = draw(st.sampled_from(callers)), draw(st.sampled_from(actions))
    resource = draw(st.sampled_from(resources))
    identity = {"f": FULL, "i": identity_documents(action, resource)}
    guardrails = {"f": FULL_TO_ALL, "r": resource_guardrails(resource), "a": st.just(SOME_TO_ALL)}
    case: Case = {
        "id": "generated",
        "principal": caller,
        "action": action,
        "resource": resource,
        "resource_account": draw(ACCOUNTS),
        "context": draw(contexts()),
        "identity_policies": one_of_shapes(draw, IDENTITY, identity),
        "resource_policy": draw(resource_policies(caller, action, resource)),
        "permission_boundaries": one_of_shapes(draw, BOUNDARIES, identity),
        "session_policy": one_of_shapes(draw, SESSIONS, identity),
        "scps": one_of_shapes(draw, SCPS, identity),
        "rcps": one_of_shapes(draw, RCPS, guardrails),
    }
    if draw(SPARE):
        kept = ("id", "principal", "action", "resource", "permission_boundaries")
        return {name: value for name, value in case.items() if name in kept or value}
    return case


SOME_TO_ALL = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}]}
