"""Hypothesis strategies for small policy documents and requests that often meet one another."""

from typing import Any

from hypothesis import strategies as st

Document = dict[str, Any]
Values = list[Any]

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

# --- conditions ------------------------------------------------------------------------------------------

_ORDERS = ["Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"]
_STRINGS: Values = [
    "alice",
    "ALICE",
    "bob",
    "a*",
    "",
    "?lice",
    "${aws:username}",
    "${aws:PrincipalTag/team}e",
    "${aws:PrincipalTag/team, 'bob'}",
    "${AWS:tagkeys, 'a, {b}'}",
    "${aws:TagKeys}",
    "a${*}",
    "${?}lice",
    "${$}",
    ["alice", "bob"],
    ["a*", "", "ALICE"],
]
_ARNS: Values = [
    "arn:aws:iam::111122223333:role/alice",
    "arn:aws:iam::*:role/*",
    "arn:aws:iam::111122223333:role/${aws:username}",
    "arn:aws:iam::${aws:username}:role/alice",
    "arn:aws:iam::${aws:PrincipalTag/team, '111122223333'}:*",
    "arn:aws:iam::111122223333:role/??????",
    "arn:aws:svc:*:x",
    "arn:aws:iam",
    "*",
    ["arn:aws:iam::*:user/*", "arn:aws:iam::*:role/a*"],
]
_NUMBERS: Values = ["1", "1.0", "-3", "+2", "10", "1e3", "x", "", 1, 10, 2.5, ["1", "10"], [1, 2]]
_DATES: Values = [
    "2024-01-01T00:00:00Z",
    "2024-01-01",
    "1704067200",
    1704067200,
    "2024-01-01T01:00:00+01:00",
    "2025-06-30T12:00:00.5Z",
    "no",
    ["2024-01-01", "2025-06-30T12:00:00.5Z"],
]
_BOOLEANS: Values = ["true", "false", "True", "maybe", True, False, ["true", "false"]]
_BLOBS: Values = ["QQ==", "QUI=", "QR==", "%%", ["QQ==", "QUI="]]
_ADDRESSES: Values = [
    "10.0.0.0/8",
    "10.1.2.3",
    "192.168.1.7/24",
    "2001:db8::/32",
    "2001:db8::1",
    "::/0",
    "0.0.0.0/0",
    "nonsense",
    ["10.0.0.0/8", "2001:db8::/32"],
]

# An operator, the keys that it mostly meets, and the values that a policy gives it.
_FAMILIES: list[tuple[list[str], list[str], Values]] = [
    (
        ["StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"],
        ["aws:username", "aws:PrincipalTag/team", "aws:TagKeys", "AWS:UserName"],
        _STRINGS,
    ),
    (["StringLike", "StringNotLike"], ["aws:username", "aws:PrincipalTag/Team", "aws:TagKeys"], _STRINGS),
    (["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"], ["aws:PrincipalArn"], _ARNS),
    (["Numeric" + order for order in _ORDERS], ["s3:max-keys"], _NUMBERS),
    (["Date" + order for order in _ORDERS], ["aws:CurrentTime"], _DATES),
    (["Bool"], ["aws:SecureTransport"], _BOOLEANS),
    (["BinaryEquals"], ["s3:x"], _BLOBS),
    (["IpAddress", "NotIpAddress"], ["aws:SourceIp"], _ADDRESSES),
]
_PREFIXES = ["", "ForAllValues:", "ForAnyValue:"]
_SUFFIXES = ["", "IfExists"]

# What each key may hold in a request, beside being absent.
_CONTEXT: dict[str, Values] = {
    "aws:username": ["alice", "bob", "ALICE", "", "a*", "${aws:userid}", ["alice", "bob"], ["alice"], []],
    "aws:PrincipalTag/team": ["alic", "bob", "111122223333", "arn:aws:iam::1:role/x", ["bob", "x"], [""], []],
    "aws:TagKeys": ["alice", "a, {b}", "$", ["alice", "bob"], ["bob", "x"], ["", ""], ["?lice"], [""], []],
    "aws:PrincipalArn": [
        "arn:aws:iam::111122223333:role/alice",
        "arn:aws:iam::444455556666:user/bob",
        "arn:aws:svc:a:b:c:x",
        "nonsense",
        ["arn:aws:iam::111122223333:role/alice", "arn:aws:iam::444455556666:user/bob"],
        [],
    ],
    "s3:max-keys": ["1", "1.0", "2", "-3", "10", "x", "", ["1", "10"], ["2"], []],
    "aws:CurrentTime": [
        "2024-01-01T00:00:00Z",
        "1704067200",
        "2025-06-30T12:00:00.5Z",
        "2023-12-31T23:00:00-01:00",
        "2024-02-30T00:00:00Z",
        "2023-12-31",
        ["2024-01-01T00:00:00Z", "2026-01-01"],
        [],
    ],
    "aws:SecureTransport": ["true", "false", "TRUE", "maybe", ["true"], ["true", "false"], []],
    "s3:x": ["QQ==", "QUI=", "QR==", "%%", ["QQ==", "QUI="], []],
    "aws:SourceIp": [
        "10.1.2.3",
        "11.1.2.3",
        "192.168.1.255",
        "2001:db8::1",
        "2001:DB8:0::1",
        "2001:db9::1",
        "10.0.0.0/7",
        "10.1.0.0/16",
        "nonsense",
        ["10.1.2.3", "2001:db8::1"],
        [],
    ],
}


def _by_state(values: Values) -> Values:
    """The values, so that absent, empty, single and several come up alike."""
    single = [value for value in values if isinstance(value, str)]
    several = [value for value in values if isinstance(value, list) and value]
    most = max(len(single), len(several))
    return [None] * most + [[]] * most + (single * most)[:most] + (several * most)[:most]


_STATES = {key: st.sampled_from(_by_state(values)) for key, values in _CONTEXT.items()}
_ANY_KEY = st.sampled_from(sorted(_CONTEXT))
_SOME_VALUES = st.sampled_from([value for values in _CONTEXT.values() for value in values])
_RARELY = st.sampled_from([False] * 7 + [True])
_NULL: Values = ["true", "false", True, False, "TRUE", ["true", "false"]]
_CLAUSES = st.sampled_from(
    [
        ("Null", sorted(_CONTEXT), _NULL),
        *(
            (prefix + name + suffix, keys, values)
            for names, keys, values in _FAMILIES
            for name in names
            for prefix in _PREFIXES
            for suffix in _SUFFIXES
        ),
    ]
)

# Every operator with a key that it can read, what a policy may want of it and what a request may hold.
OPERATOR_TABLE: list[tuple[str, str, Values, Values]] = [
    ("Null", "aws:TagKeys", _NULL, [None, *_CONTEXT["aws:TagKeys"]]),
    *((name, keys[0], values, [None, *_CONTEXT[keys[0]]]) for names, keys, values in _FAMILIES for name in names),
]


@st.composite
def clauses(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """One operator with one key, mostly one that it can read."""
    operator, keys, values = draw(_CLAUSES)
    key = draw(_ANY_KEY) if draw(_RARELY) else draw(st.sampled_from(keys))
    return operator, {key: draw(st.sampled_from(values))}


@st.composite
def contexts(draw: st.DrawFn) -> dict[str, str | list[str]]:
    """What is known about a request; every key may be absent, empty, single or multi-valued."""
    found = {key: draw(state) for key, state in _STATES.items()}
    if draw(_RARELY):
        found[draw(_ANY_KEY)] = draw(_SOME_VALUES)
    return {key: value for key, value in found.items() if value is not None}


# --- documents -------------------------------------------------------------------------------------------


def one_or_many(entries: st.SearchStrategy[str]) -> st.SearchStrategy[str | list[str]]:
    """A single entry or a short list."""
    return entries | st.lists(entries, min_size=1, max_size=3)


_ACTION = one_or_many(st.sampled_from(ACTION_PATTERNS))
_RESOURCE = one_or_many(st.sampled_from(RESOURCE_PATTERNS))


@st.composite
def statements(draw: st.DrawFn, effects: tuple[str, ...] = ("Allow", "Allow", "Deny")) -> Document:
    """One statement of an identity document."""
    action = draw(st.sampled_from(["Action", "Action", "Action", "NotAction"]))
    resource = draw(st.sampled_from(["Resource", "Resource", "Resource", "NotResource"]))
    statement: Document = {
        "Effect": draw(st.sampled_from(effects)),
        action: draw(_ACTION),
        resource: draw(_RESOURCE),
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


def layers() -> st.SearchStrategy[list[list[Document]]]:
    """A few layers of a few documents each."""
    return st.lists(st.lists(documents(), max_size=2), max_size=3)
