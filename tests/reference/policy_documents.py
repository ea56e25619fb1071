"""Hypothesis strategies for small policy documents and requests that often meet one another."""

from typing import Any

from hypothesis import strategies as st

Document = dict[str, Any]

ACTIONS = ["s3:GetObject", "s3:PutObject", "s3:ListBucket", "iam:PassRole", "S3:GETOBJECT", "sts:AssumeRole"]
ACTION_PATTERNS = [
    "*",
    "s3:*",
    "s3:Get*",
    "s3:*Object",
    "s3:?etObject",
    "iam:*",
    "*:*Role",
    "S3:getobject",
    *ACTIONS,
]
RESOURCES = [
    "*",
    "arn:aws:s3:::bucket",
    "arn:aws:s3:::bucket/alice/1",
    "arn:aws:s3:::bucket/bob",
    "arn:aws:iam::111122223333:role/x/y",
    "arn:aws:iam::111122223333:role:z",
    "arn:aws:svc:eu:west:1:111122223333:x/1",
    "arn:aws:svc:eu-west-1:999:t:n",
    "arn:aws:s3:::bucket/*",
]
RESOURCE_PATTERNS = [
    "*",
    "arn:aws:s3:::bucket/*",
    "arn:aws:s3:::*",
    "arn:*:s3:*:*:bucket*",
    "arn:aws:s3:::bucket/${aws:username}/*",
    "arn:aws:s3:::bucket/${aws:PrincipalTag/team, 'alice'}/?",
    "arn:aws:s3:::bucket/${*}",
    "arn:aws:iam::*:role/*",
    "arn:aws:iam::1*3:role?z",
    "arn:aws:svc:*:111122223333:x/*",
    "arn:aws:svc:eu*1:*:t:n",
    "arn:aws:svc:eu?west-1:9?9:t:?",
    "arn:aws:svc:e*-*1:*:*",
    *RESOURCES,
]
TEXTS = [
    "alice",
    "ALICE",
    "bob",
    "a*",
    "",
    "eu-west-1",
    "${aws:username}",
    "${aws:userid, 'bob'}",
    "?lice",
    "a${*}",
]
ARNS = [
    "arn:aws:iam::111122223333:role/x",
    "arn:aws:iam::*:role/*",
    "arn:aws:iam::111122223333:user/${aws:username}",
    "arn:aws:iam::${aws:PrincipalAccount}:*",
    "arn:aws:iam",
    "*",
]
NUMBERS = ["1", "1.0", "-3", "+2", "10", "1e3", "x", ""]
DATES = [
    "2024-01-01T00:00:00Z",
    "2024-01-01",
    "1704067200",
    "2024-01-01T01:00:00+01:00",
    "2025-06-30T12:00:00.5Z",
    "no",
]
BOOLEANS = ["true", "false", "True", "maybe"]
BLOBS = ["QQ==", "QUI=", "%%"]
ADDRESSES = [
    "10.0.0.0/8",
    "10.1.2.3",
    "192.168.1.7/24",
    "2001:db8::/32",
    "2001:db8::1",
    "::/0",
    "0.0.0.0/0",
    "nonsense",
]

_FAMILIES: list[tuple[list[str], list[str]]] = [
    (["StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"], TEXTS),
    (["StringLike", "StringNotLike"], TEXTS),
    (["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"], ARNS),
    (
        [
            f"Numeric{r}"
            for r in ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")
        ],
        NUMBERS,
    ),
    (
        [f"Date{r}" for r in ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")],
        DATES,
    ),
    (["Bool"], BOOLEANS),
    (["BinaryEquals"], BLOBS),
    (["IpAddress", "NotIpAddress"], ADDRESSES),
]
KEYS = [
    "aws:username",
    "aws:PrincipalTag/team",
    "aws:TagKeys",
    "aws:SourceIp",
    "aws:CurrentTime",
    "s3:max-keys",
]


def one_or_many(entries: st.SearchStrategy[str]) -> st.SearchStrategy[str | list[str]]:
    """A single entry or a short list."""
    return entries | st.lists(entries, min_size=1, max_size=3)


@st.composite
def clauses(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """One operator with one key."""
    if draw(st.integers(0, 9)) == 0:
        return "Null", {draw(st.sampled_from(KEYS)): draw(st.sampled_from(["true", "false", True, False]))}
    names, values = draw(st.sampled_from(_FAMILIES))
    prefix = draw(st.sampled_from(["", "", "ForAllValues:", "ForAnyValue:"]))
    suffix = draw(st.sampled_from(["", "", "IfExists"]))
    operator = prefix + draw(st.sampled_from(names)) + suffix
    return operator, {draw(st.sampled_from(KEYS)): draw(one_or_many(st.sampled_from(values)))}


@st.composite
def statements(draw: st.DrawFn, effects: tuple[str, ...] = ("Allow", "Allow", "Deny")) -> Document:
    """One statement of an identity document."""
    action = draw(st.sampled_from(["Action", "Action", "Action", "NotAction"]))
    resource = draw(st.sampled_from(["Resource", "Resource", "Resource", "NotResource"]))
    statement: Document = {
        "Effect": draw(st.sampled_from(effects)),
        action: draw(one_or_many(st.sampled_from(ACTION_PATTERNS))),
        resource: draw(one_or_many(st.sampled_from(RESOURCE_PATTERNS))),
    }
    if draw(st.booleans()):
        statement["Condition"] = dict(draw(st.lists(clauses(), max_size=2)))
    return statement


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """One identity document; mostly of the version that knows variables."""
    document: Document = {"Statement": draw(st.lists(statements(), min_size=1, max_size=3))}
    version = draw(st.sampled_from(["2012-10-17", "2012-10-17", "2012-10-17", "2008-10-17", None]))
    return document if version is None else {"Version": version, **document}


def contexts() -> st.SearchStrategy[dict[str, str | list[str]]]:
    """What is known about a request; every key may be missing, single or multi-valued."""
    values = [*TEXTS[:6], *ARNS[:1], *NUMBERS, *DATES, *BOOLEANS, *BLOBS, *ADDRESSES]
    value: st.SearchStrategy[str | list[str]] = st.sampled_from(values) | st.lists(st.sampled_from(values), max_size=2)
    return st.dictionaries(st.sampled_from([*KEYS, "aws:PrincipalAccount", "aws:userid"]), value, max_size=5)


def layers() -> st.SearchStrategy[list[list[Document]]]:
    """A few layers of a few documents each."""
    return st.lists(st.lists(documents(), max_size=2), max_size=3)
