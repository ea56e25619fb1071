"""The messages in German about what is dangerous, doubtful or needless, by the codes of their rules."""

from collections.abc import Mapping
from typing import Final

TEXTS: Final[Mapping[str, str]] = {
    "MISSING_VERSION": (
        "Die Richtlinie nennt keine Version und wird deshalb wie eine von 2008 gelesen, in der Variablen "
        'bloßer Text sind. Ergänzen Sie "Version": "2012-10-17".'
    ),
    "UNIQUE_SIDS_RECOMMENDED": (
        "Die Sid {sid} hat schon eine frühere Anweisung. Geben Sie jeder eine eigene, damit man sie unterscheiden kann."
    ),
    "EMPTY_SID_VALUE": "Die Sid ist leer. Geben Sie der Anweisung einen Namen oder lassen Sie Sid weg.",
    "EMPTY_ARRAY_ACTION": (
        "Die Liste der Aktionen ist leer, also bewirkt die Anweisung nichts. Nennen Sie Aktionen oder "
        "entfernen Sie die Anweisung."
    ),
    "EMPTY_ARRAY_RESOURCE": (
        "Die Liste der Ressourcen ist leer, also bewirkt die Anweisung nichts. Nennen Sie Ressourcen oder "
        "entfernen Sie die Anweisung."
    ),
    "EMPTY_ARRAY_PRINCIPAL": (
        "Die Liste der Prinzipale ist leer, also bewirkt die Anweisung nichts. Nennen Sie Prinzipale oder "
        "entfernen Sie die Anweisung."
    ),
    "EMPTY_OBJECT_PRINCIPAL": (
        "Das Objekt der Prinzipale ist leer, also bewirkt die Anweisung nichts. Nennen Sie Prinzipale oder "
        "entfernen Sie die Anweisung."
    ),
    "EMPTY_OBJECT_CONDITION": (
        "Die Bedingung ist leer und verlangt nichts. Ergänzen Sie einen Vergleich oder lassen Sie sie weg."
    ),
    "EMPTY_ARRAY_CONDITION": (
        "Der Schlüssel {key} wird mit keinem Wert verglichen. Geben Sie Werte an oder lassen Sie den Schlüssel weg."
    ),
    "EMPTY_ARRAY_CONDITION_FORALLVALUES": (
        "ForAllValues ohne Wert gilt nur, wenn der Anfrage der Schlüssel {key} fehlt. Ist das gemeint, "
        'vergleichen Sie ihn unter Null mit "true"; sonst geben Sie Werte an.'
    ),
    "EMPTY_ARRAY_CONDITION_FORANYVALUE": (
        "ForAnyValue ohne Wert gilt nie, was immer {key} ist. Geben Sie Werte an oder entfernen Sie die Anweisung."
    ),
    "EMPTY_ARRAY_CONDITION_IFEXISTS": (
        "IfExists ohne Wert gilt nur, wenn der Anfrage der Schlüssel {key} fehlt. Ist das gemeint, "
        'vergleichen Sie ihn unter Null mit "true"; sonst geben Sie Werte an.'
    ),
    "WILDCARD_IN_SERVICE_NAME": (
        "Der Dienst in {action} enthält einen Platzhalter, so dass auch Dienste gemeint sind, an die niemand "
        "gedacht hat. Nennen Sie die Dienste."
    ),
    "ALLOW_WITH_NOT_PRINCIPAL": (
        "Allow mit NotPrincipal lässt alle anderen ein, auch namenlose Fremde. Nennen Sie in Principal, wer darf."
    ),
    "INVALID_ROLE_REFERENCE": (
        "{principal} ist die Kennung einer Rolle; IAM zeigt sie, wenn es die Rolle nicht mehr gibt. Nennen "
        "Sie die gemeinte Rolle mit ihrem ARN oder entfernen Sie den Eintrag."
    ),
    "INVALID_USER_REFERENCE": (
        "{principal} ist die Kennung eines Benutzers; IAM zeigt sie, wenn es den Benutzer nicht mehr gibt. "
        "Nennen Sie den gemeinten mit seinem ARN oder entfernen Sie den Eintrag."
    ),
    "RESTRICT_ACCESS_TO_SERVICE_PRINCIPAL": (
        "Der Dienst {service} darf hier im Auftrag von jedermann handeln. Vergleichen Sie aws:SourceArn, "
        "aws:SourceAccount, aws:SourceOrgID oder aws:SourceOrgPaths mit dem, für den er handeln darf."
    ),
    "RECOMMENDED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL": (
        "Der Dienst {service} darf hier im Auftrag einer ganzen Organisation handeln. Ist ein Konto oder eine"
        " Ressource gemeint, vergleichen Sie auch aws:SourceAccount oder aws:SourceArn."
    ),
    "MISSING_CONDITION_KEY_FOR_OIDC_PRINCIPAL": (
        "Jeder, den {provider} anmeldet, darf die Rolle annehmen. Vergleichen Sie Schlüssel des Anbieters, "
        "etwa sub und aud."
    ),
    "MISSING_GITHUB_REPO_CONDITION_KEY": (
        "Abläufe jedes Repositorys auf GitHub dürfen die Rolle annehmen. Vergleichen Sie "
        "token.actions.githubusercontent.com:sub mit dem Repository und Zweig, die dürfen."
    ),
    "SPECIFIC_GITHUB_REPO_AND_BRANCH_RECOMMENDED": (
        "{subject} lässt mehr als ein Repository oder einen Zweig ein. Nennen Sie Repository und Zweig."
    ),
    "REDUNDANT_PRINCIPAL_IN_ROLE_TRUST_POLICY": (
        "Die Sitzung {session} ist schon eingelassen, da ihre Rolle es ist. Behalten Sie die Sitzung, wenn "
        "nur sie gemeint ist, sonst die Rolle."
    ),
    "NULL_WITH_QUALIFIER": (
        "Null mit {qualifier} gilt immer oder nie. Schreiben Sie nur Null, das auch Schlüssel mit mehreren "
        "Werten nimmt."
    ),
    "DEPRECATED_GLOBAL_CONDITION_KEY": "Der Schlüssel {key} ist veraltet. Verwenden Sie aws:PrincipalArn.",
    "FORALLVALUES_WITH_SINGLE_VALUED_KEY": (
        "ForAllValues gilt auch für Anfragen ohne {key}, der nie mehrere Werte hat. Lassen Sie ForAllValues weg."
    ),
    "FORANYVALUE_WITH_AUDIENCE_CLAIM_TYPE": (
        "Mit ForAnyValue genügt ein Empfänger in {key}, für wen das Token sonst auch ist. Lassen Sie "
        "ForAnyValue weg, oder verlangen Sie mit ForAllValues alle und mit Null einen."
    ),
    "CONFIRM_AUDIENCE_CLAIM_TYPE": (
        "Ob {key} einen Wert oder mehrere hat, hängt vom Anbieter ab. Vergewissern Sie sich, dass der "
        "Operator dazu passt."
    ),
    "MISSING_PAIRED_CONDITION_KEYS": (
        "Der Schlüssel {key} allein sagt nicht, um wessen Netz es geht. Vergleichen Sie auch einen von {others}."
    ),
    "STRING_LIKE_OPERATOR_WITH_ARN_CONDITION_KEYS": (
        "Unter {operator} läuft ein Platzhalter in {key} über die Felder eines ARN hinweg. Verwenden Sie "
        "ArnLike oder ArnNotLike, deren Platzhalter in ihrem Feld bleiben."
    ),
    "UNTRUSTWORTHY_CONDITION_KEY": (
        "Den Wert von {key} wählt der Anfragende nach Belieben. Lassen Sie keinen Zugriff davon abhängen."
    ),
    "TYPE_MISMATCH": (
        "Der Operator {operator} passt nicht zu {key}, der vom Typ {type} ist. Verwenden Sie einen für den Typ."
    ),
    "USE_CONDITION_KEY_ONLY_WITH_SUPPORTED_SERVICES": (
        "Anfragen an {services} tragen den Schlüssel {key} nie. Verschieben Sie ihre Aktionen in eine "
        "Anweisung ohne ihn."
    ),
    "IRRELEVANT_CONDITION_KEY_IN_POLICY": (
        "Der Schlüssel {key} sagt in der Richtlinie eines Buckets nichts, dessen Konto immer dasselbe ist. "
        "Lassen Sie ihn weg."
    ),
    "TYPE_MISMATCH_BOOLEAN": '{value} ist kein Wahrheitswert. Schreiben Sie "true" oder "false".',
    "TYPE_MISMATCH_DATE": "{value} ist kein Datum. Schreiben Sie es wie 2030-01-31T00:00:00Z.",
    "TYPE_MISMATCH_NUMBER": "{value} ist keine Zahl. Schreiben Sie Ziffern, bei Bedarf mit einem Punkt.",
    "TYPE_MISMATCH_STRING": "{value} ist nicht base64. Kodieren Sie die gemeinten Bytes.",
    "INVALID_DATE_VALUE": "{value} zählt Sekunden, was schwer zu lesen ist. Schreiben Sie es wie 2030-01-31T00:00:00Z.",
    "WILDCARD_WITHOUT_LIKE_OPERATOR": (
        "Unter {operator} ist der Platzhalter in {value} ein gewöhnliches Zeichen. Verwenden Sie StringLike "
        "oder StringNotLike, wenn er einer sein soll."
    ),
    "IMPROVE_IP_RANGE": "{value} hat hinter dem Präfix Stellen, die nichts bedeuten. Schreiben Sie {canonical}.",
    "PRIVATE_IP_ADDRESS_SUBSET": (
        "aws:SourceIp ist nie die private Adresse {value}. Lassen Sie sie weg, oder vergleichen Sie "
        "aws:VpcSourceIp für Adressen in einer VPC."
    ),
    "PRIVATE_NOT_IP_ADDRESS_SUBSET": (
        "aws:SourceIp ist nie die private Adresse {value}. Lassen Sie sie weg, oder vergleichen Sie "
        "aws:VpcSourceIp für Adressen in einer VPC."
    ),
    "PASS_ROLE_WITH_STAR_IN_RESOURCE": (
        "iam:PassRole ist für jede Rolle erlaubt, an jeden Dienst. Nennen Sie die Rollen, oder vergleichen "
        "Sie iam:PassedToService mit den Diensten, die sie bekommen dürfen."
    ),
    "PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE": (
        "{action} umfasst iam:PassRole, das damit für jede Rolle erlaubt ist, an jeden Dienst. Nennen Sie die"
        " Rollen, oder vergleichen Sie iam:PassedToService mit den Diensten, die sie bekommen dürfen."
    ),
    "PASS_ROLE_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION": (
        "NotAction nimmt iam:PassRole nicht aus, das damit für jede Rolle erlaubt ist, an jeden Dienst. "
        "Ergänzen Sie iam:PassRole in NotAction, oder nennen Sie in Action, was erlaubt ist."
    ),
    "PASS_ROLE_WITH_NOT_RESOURCE": (
        "iam:PassRole ist für jede Rolle erlaubt, die NotResource nicht nennt. Nennen Sie die Rollen, oder "
        "vergleichen Sie iam:PassedToService mit den Diensten, die sie bekommen dürfen."
    ),
    "PASS_ROLE_WITH_STAR_IN_ACTION_AND_NOT_RESOURCE": (
        "{action} umfasst iam:PassRole, das damit für jede Rolle erlaubt ist, die NotResource nicht nennt. "
        "Nennen Sie die Rollen, oder vergleichen Sie iam:PassedToService mit den Diensten, die sie bekommen "
        "dürfen."
    ),
    "PASS_ROLE_WITH_NOT_ACTION_AND_NOT_RESOURCE": (
        "NotAction nimmt iam:PassRole nicht aus, das damit für jede Rolle erlaubt ist, die NotResource nicht "
        "nennt. Ergänzen Sie iam:PassRole in NotAction, oder nennen Sie in Action, was erlaubt ist."
    ),
    "CREATE_SLR_WITH_STAR_IN_RESOURCE": (
        "iam:CreateServiceLinkedRole ist für jeden Dienst erlaubt. Nennen Sie die Rollen, oder vergleichen "
        "Sie iam:AWSServiceName mit den Diensten, die eine haben dürfen."
    ),
    "CREATE_SLR_WITH_STAR_IN_ACTION_AND_RESOURCE": (
        "{action} umfasst iam:CreateServiceLinkedRole, das damit für jeden Dienst erlaubt ist. Nennen Sie die"
        " Rollen, oder vergleichen Sie iam:AWSServiceName mit den Diensten, die eine haben dürfen."
    ),
    "CREATE_SLR_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION": (
        "NotAction nimmt iam:CreateServiceLinkedRole nicht aus, das damit für jeden Dienst erlaubt ist. "
        "Ergänzen Sie es in NotAction, oder nennen Sie in Action, was erlaubt ist."
    ),
    "CREATE_SLR_WITH_NOT_RESOURCE": (
        "iam:CreateServiceLinkedRole ist für jede Rolle erlaubt, die NotResource nicht nennt. Nennen Sie die "
        "Rollen, oder vergleichen Sie iam:AWSServiceName mit den Diensten, die eine haben dürfen."
    ),
    "CREATE_SLR_WITH_STAR_IN_ACTION_AND_NOT_RESOURCE": (
        "{action} umfasst iam:CreateServiceLinkedRole, das damit für jede Rolle erlaubt ist, die NotResource "
        "nicht nennt. Nennen Sie die Rollen, oder vergleichen Sie iam:AWSServiceName mit den Diensten, die "
        "eine haben dürfen."
    ),
    "CREATE_SLR_WITH_NOT_ACTION_AND_NOT_RESOURCE": (
        "NotAction nimmt iam:CreateServiceLinkedRole nicht aus, und NotResource nennt nur, wofür es nicht "
        "erlaubt ist. Ergänzen Sie es in NotAction, oder nennen Sie in Action, was erlaubt ist."
    ),
    "DENY_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE": (
        "Anfragen an {services} tragen den Schlüssel {key} nie und werden deshalb nicht verweigert. "
        "Verweigern Sie sie ohne den Schlüssel, mit einer Bedingung, die sie tragen."
    ),
    "DENY_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE": (
        "Es gibt Dienste, deren Anfragen den Schlüssel {key} nie tragen, etwa {services}; sie werden nicht "
        "verweigert. Verweigern Sie mit Action, was man nach dem Schlüssel fragen kann, und den Rest ohne "
        "ihn."
    ),
    "ALLOW_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE": (
        "Anfragen an {services} tragen den Schlüssel {key} nie und werden deshalb nicht erlaubt. Erlauben Sie"
        " sie in einer Anweisung ohne den Schlüssel."
    ),
    "ALLOW_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE": (
        "Es gibt Dienste, deren Anfragen den Schlüssel {key} nie tragen, etwa {services}; sie werden nicht "
        "erlaubt. Erlauben Sie mit Action, was man nach dem Schlüssel fragen kann."
    ),
    "POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA": (
        "Die Richtlinie hat ohne Leerraum {size} Zeichen; zulässig sind {most}. Kürzen Sie sie oder machen "
        "Sie zwei daraus."
    ),
    "POLICY_SIZE_EXCEEDS_ROLE_TRUST_POLICY_QUOTA": (
        "Die Richtlinie hat ohne Leerraum {size} Zeichen; zulässig sind {most}, wenn das Kontingent nicht "
        "erhöht wurde. Kürzen Sie sie."
    ),
    "POLICY_SIZE_EXCEEDS_RESOURCE_POLICY_QUOTA": (
        "Die Richtlinie hat {size} Zeichen; zulässig sind für ihre Ressource {most}. Kürzen Sie sie."
    ),
    "RCP_MISSING_RELATED_PRINCIPAL_CONDITION_KEY": (
        "Dienste von AWS tragen {key} nicht und werden deshalb auch verweigert. Ergänzen Sie "
        'aws:PrincipalIsAWSService mit "false" unter BoolIfExists.'
    ),
    "RCP_MISSING_RELATED_SERVICE_PRINCIPAL_CONDITION_KEY": (
        "Menschen tragen {key} nicht und werden deshalb auch verweigert. Ergänzen Sie "
        'aws:PrincipalIsAWSService mit "true" unter BoolIfExists.'
    ),
    "RCP_MISSING_SERVICE_CONDITION_KEY_NULL_CHECK": (
        "Nicht jede Anfrage eines Dienstes trägt {key}; die ohne ihn werden verweigert. Ergänzen Sie "
        'aws:SourceAccount oder aws:SourceArn mit "false" unter Null.'
    ),
    "EQUIVALENT_TO_NULL_FALSE": (
        'Der Vergleich fragt nur, ob die Anfrage {key} hat. Vergleichen Sie {key} unter Null mit "false".'
    ),
    "EQUIVALENT_TO_NULL_TRUE": (
        'Der Vergleich fragt nur, ob der Anfrage {key} fehlt. Vergleichen Sie {key} unter Null mit "true".'
    ),
    "REDUNDANT_KEY_DUE_TO_WILDCARD_IN_CONDITION": (
        "Durch den Platzhalter gilt der Vergleich von {key} immer. Lassen Sie ihn weg."
    ),
    "REDUNDANT_STATEMENT_DUE_TO_WILDCARD_IN_CONDITION": (
        "Durch den Platzhalter gilt der Vergleich von {key} nie, so dass die Anweisung nichts bewirkt. "
        "Berichtigen Sie den Wert oder entfernen Sie die Anweisung."
    ),
    "REDUNDANT_ACTION": (
        "{count} der Aktionen sind von anderen der Anweisung abgedeckt, etwa {example} von {other}. Entfernen Sie sie."
    ),
    "REDUNDANT_RESOURCE": (
        "{count} der Ressourcen sind von anderen der Anweisung abgedeckt, etwa {example} von {other}. "
        "Entfernen Sie sie."
    ),
    "REDUNDANT_CONDITION_VALUE_NUM": (
        "Von mehreren Grenzen für {key} unter {operator} entscheidet eine. Behalten Sie diese."
    ),
    "REDUNDANT_STATEMENT": "Anweisung Nummer {other} sagt alles, was diese sagt. Entfernen Sie diese.",
}
