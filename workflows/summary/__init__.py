"""A request in words that a non-expert can read, made from the parsed policy and nothing else.

The same policy gives the same text, always. No text that a partner wrote freely is ever an input.
"""

import json
from collections.abc import Sequence

from workflows.errors import BadInput
from workflows.policy.document import Policy
from workflows.summary import english, german
from workflows.summary.english import MAX_SUMMARY_CHARACTERS
from workflows.summary.locales import SUPPORTED_LOCALES, resolve_locale

__all__ = ["MAX_SUMMARY_CHARACTERS", "SUPPORTED_LOCALES", "resolve_locale", "summarise"]


def summarise(
    policy: Policy,
    *,
    partner_name: str,
    partner_id: str,
    account_id: str | None,
    duration_seconds: int,
    boundaries: Sequence[str],
    locale: str = "en",
) -> str:
    """What `policy` allows whom, where and for how long, in at most 10000 characters of plain text.

    `boundaries` are the ARNs that roles made under the policy must carry. Raises `BadInput` for a locale that is not
    supported.
    """
    spoken = resolve_locale(locale)
    if spoken is None:
        raise BadInput("Locale", f"is {json.dumps(locale[:16])}, for which there is no summary")
    tell = german.summarise if spoken == "de" else english.summarise
    return tell(
        policy,
        partner_name=partner_name,
        partner_id=partner_id,
        account_id=account_id,
        duration_seconds=duration_seconds,
        boundaries=boundaries,
    )
