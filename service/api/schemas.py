"""What comes in over the JSON API. Unknown members are refused: a misspelt restriction must not be ignored."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from workflows.errors import BadInput

Text = Annotated[str, Meta(max_length=2048)]
Name = Annotated[str, Meta(min_length=1, max_length=128)]
# Kept as the bytes that came, so that the strict reader of the policy engine sees every key, repeated ones too.
Document = msgspec.Raw
# In a union with None, msgspec would accept None alone.
MaybeDocument = msgspec.Raw | msgspec.UnsetType


def document_text(document: Document) -> str:
    """Return the text of a policy document that came as a JSON object, or as a JSON string that holds one."""
    raw = bytes(document)
    try:
        return msgspec.json.decode(raw, type=str) if raw[:1] == b'"' else raw.decode()
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise BadInput("document", "is not JSON in UTF-8") from None


def optional_text(document: MaybeDocument) -> str | None:
    """Return the text of a policy document that may have been left out."""
    if isinstance(document, msgspec.UnsetType) or bytes(document) == b"null":
        return None
    return document_text(document)


class NewAccount(msgspec.Struct, forbid_unknown_fields=True):
    """An account to open."""

    id: Name
    alias: Name


class NewUser(msgspec.Struct, forbid_unknown_fields=True):
    """A user to create; `policies` are names or ARNs, `inline_policies` documents by name."""

    name: Name
    policies: Annotated[list[Text], Meta(max_length=20)] = []
    inline_policies: dict[str, Document] = {}
    boundary: MaybeDocument = msgspec.UNSET
    access_key: bool = False


class NewAttachment(msgspec.Struct, forbid_unknown_fields=True):
    """A policy to attach: managed by name or ARN, or inline with its document."""

    policy: Text
    document: MaybeDocument = msgspec.UNSET


class NewIdentityProvider(msgspec.Struct, forbid_unknown_fields=True):
    """An account's OpenID Connect provider; without a secret the client proves itself by PKCE alone."""

    issuer: Text
    client_id: Text
    client_secret: Text | None = None
    passwords: bool = False


class NewIdentity(msgspec.Struct, forbid_unknown_fields=True):
    """The subject that the account's provider has for a user."""

    subject: Text


class Activity(msgspec.Struct, forbid_unknown_fields=True):
    """Whether something is to work."""

    active: bool


class NewPolicy(msgspec.Struct, forbid_unknown_fields=True):
    """A managed policy to create."""

    name: Name
    document: Document


class NewDocument(msgspec.Struct, forbid_unknown_fields=True):
    """A policy document."""

    document: Document


class NewPartner(msgspec.Struct, forbid_unknown_fields=True):
    """A partner to register."""

    id: Name
    name: Name
    domain: Text
    access_key: bool = True


class NewTemplate(msgspec.Struct, forbid_unknown_fields=True):
    """A policy template to register; `accept` is the reason why what its review finds is accepted."""

    name: Name
    document: Document
    wildcard_safe: Annotated[list[Text], Meta(max_length=50)] = []
    accept: Text | None = None


class NewBoundary(msgspec.Struct, forbid_unknown_fields=True):
    """A permissions boundary to register; `accept` is as for a template."""

    name: Name
    document: Document
    description: Text = ""
    accept: Text | None = None


class NewChannel(msgspec.Struct, forbid_unknown_fields=True):
    """A notification channel to register; without `url` a mailbox that the partner polls."""

    name: Name
    url: Text | None = None


class NewApiToken(msgspec.Struct, forbid_unknown_fields=True):
    """An API token to make; `principal` is an ARN and by default the caller's own."""

    principal: Text | None = None
    scopes: Annotated[tuple[Name, ...], Meta(max_length=8)] = ("read", "write")
    days: int = 90


class NewResourceServer(msgspec.Struct, forbid_unknown_fields=True):
    """A resource server to register."""

    name: Name


class Parameter(msgspec.Struct, forbid_unknown_fields=True):
    """One parameter of a policy template."""

    name: Text
    values: Annotated[list[str], Meta(max_length=100)]
    type: Name = "string"


class NewRoleGrant(msgspec.Struct, forbid_unknown_fields=True):
    """A role to lend instead of a session; `lifetime` is in seconds, null until it is revoked.

    `extends` is the id of a standing role grant whose deadline is to be moved; then `name` is of no weight.
    """

    name: Name
    boundary_arn: Text
    lifetime: int | None
    trusted_principals: Annotated[list[Text], Meta(max_length=10)] = []
    extends: Name | None = None


class NewDelegationRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A delegation request to file; `session_duration` is in seconds and has to be left out where a `role` is."""

    description: Text
    policy_template_arn: Text
    workflow_id: Text
    notification_channel: Text
    session_duration: int | None = None
    parameters: Annotated[list[Parameter], Meta(max_length=50)] = []
    owner_account_id: Name | None = None
    request_message: Text | None = None
    redirect_url: Text | None = None
    only_send_by_owner: bool = False
    role: NewRoleGrant | None = None


class NewNarrowing(msgspec.Struct, forbid_unknown_fields=True):
    """Less than was asked: another policy document, fewer seconds, or both."""

    permission_policy: dict[str, Any] | None = None
    session_duration: int | None = None


class Acceptance(msgspec.Struct, forbid_unknown_fields=True):
    """An approval; `digest` is that of the request as it was reviewed. With a `narrowing` less than that is lent."""

    digest: Annotated[str, Meta(min_length=64, max_length=64)]
    narrowing: NewNarrowing | None = None


class Note(msgspec.Struct, forbid_unknown_fields=True):
    """A note or a reason, in the owner's own words."""

    notes: Text | None = None


class Exchange(msgspec.Struct, forbid_unknown_fields=True):
    """An exchange token to trade."""

    exchange_token: Text
