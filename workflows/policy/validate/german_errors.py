"""The messages in German about what the language does not allow, by the codes of their rules."""

from collections.abc import Mapping
from typing import Final

TEXTS: Final[Mapping[str, str]] = {
    "JSON_SYNTAX_ERROR": "Das Dokument ist kein JSON: {problem}. Berichtigen Sie es dort.",
    "INVALID_POLICY_ELEMENT": (
        "Hier gibt es kein Element {name}. Groß- und Kleinschreibung zählt; zulässig sind {accepted}."
    ),
    "DATA_TYPE_MISMATCH": "Das Element {name} hat den falschen JSON-Typ. Zulässig ist {accepted}.",
    "INVALID_VERSION": 'Eine Version {version} der Richtliniensprache gibt es nicht. Schreiben Sie "2012-10-17".',
    "MISSING_STATEMENT": (
        "Die Richtlinie hat keine Anweisung. Ergänzen Sie das Element Statement mit mindestens einer Anweisung."
    ),
    "MISSING_EFFECT": 'Die Anweisung hat keine Wirkung. Ergänzen Sie das Element Effect mit "Allow" oder "Deny".',
    "INVALID_EFFECT": '{effect} ist keine Wirkung. Schreiben Sie "Allow" oder "Deny"; Groß- und Kleinschreibung zählt.',
    "MISSING_ACTION": "Die Anweisung nennt keine Aktionen. Ergänzen Sie das Element Action oder NotAction.",
    "MISSING_RESOURCE": "Die Anweisung nennt keine Ressourcen. Ergänzen Sie das Element Resource oder NotResource.",
    "MISSING_PRINCIPAL": "Die Anweisung sagt nicht, für wen sie gilt. Ergänzen Sie das Element Principal.",
    "UNSUPPORTED_ELEMENT_COMBINATION": (
        "Die Anweisung hat sowohl {one} als auch {other}. Behalten Sie eines; was für das andere gelten soll,"
        " braucht eine eigene Anweisung."
    ),
    "UNIQUE_SIDS_REQUIRED": "Die Sid {sid} hat schon eine frühere Anweisung. Geben Sie jeder Anweisung eine eigene.",
    "UNSUPPORTED_SID": (
        "Die Sid {sid} enthält Zeichen, die hier nicht zulässig sind. Verwenden Sie nur A-Z, a-z und 0-9."
    ),
    "INVALID_SERVICE_IN_ACTION": (
        "Den Dienst {service}, den die Aktion {action} nennt, gibt es nicht. Berichtigen Sie das Präfix; am "
        "nächsten kommt {nearest}."
    ),
    "INVALID_ACTION": (
        "Die Aktion {action} gibt es nicht. Berichtigen oder entfernen Sie sie; am nächsten kommt {nearest}."
    ),
    "UNSUPPORTED_ACTION_IN_POLICY": (
        "Die Aktion {action} ist keine der Ressource, an der diese Richtlinie hängt. Nennen Sie nur Aktionen "
        "ihres Dienstes."
    ),
    "INVALID_ARN_PREFIX": 'Die Ressource {arn} beginnt nicht mit arn: wie ein ARN. Schreiben Sie einen ARN oder "*".',
    "MISSING_ARN_FIELD": (
        "Der ARN {arn} hat weniger als sechs Felder. Schreiben Sie "
        "arn:partition:service:region:account:resource, und nichts zwischen die Doppelpunkte eines leeren "
        "Feldes."
    ),
    "INVALID_PARTITION": "Eine Partition {partition} gibt es nicht. Schreiben Sie aws oder die gemeinte Partition.",
    "INVALID_ARN_SERVICE_CASE": "Der Dienst {service} im ARN steht nicht in Kleinbuchstaben. Schreiben Sie ihn klein.",
    "INVALID_SERVICE": "Einen Dienst {service} gibt es nicht. Berichtigen Sie ihn; am nächsten kommt {nearest}.",
    "INVALID_ARN_REGION": "Eine Region {region} gibt es nicht. Berichtigen Sie sie; am nächsten kommt {nearest}.",
    "MISSING_ARN_REGION": (
        "ARNs wie {arn} haben eine Region, und diesem fehlt sie. Ergänzen Sie die Region, oder * für alle."
    ),
    "ARN_REGION_NOT_ALLOWED": "ARNs wie {arn} haben keine Region, und dieser hat eine. Lassen Sie das Feld leer.",
    "INVALID_ARN_ACCOUNT": "Das Konto {account} im ARN ist keines. Schreiben Sie die 12 Ziffern eines Kontos.",
    "MISSING_ARN_ACCOUNT": "ARNs wie {arn} haben ein Konto, und diesem fehlt es. Ergänzen Sie es, oder * für alle.",
    "ARN_ACCOUNT_NOT_ALLOWED": "ARNs wie {arn} haben kein Konto, und dieser hat eines. Lassen Sie das Feld leer.",
    "INVALID_ARN_RESOURCE": (
        "Das letzte Feld von {arn} passt zu keiner Art von Ressource des Dienstes. Berichtigen Sie Art und Namen."
    ),
    "UNSUPPORTED_RESOURCE_ARN_IN_POLICY": (
        "Der ARN {arn} ist keiner der Ressource, an der diese Richtlinie hängt. Nennen Sie diese Ressource "
        "oder was in ihr liegt."
    ),
    "UNSUPPORTED_PRINCIPAL": (
        "Eine Richtlinie dieser Art nennt keine Prinzipale: sie hängt an einem. Entfernen Sie {element}."
    ),
    "INVALID_PRINCIPAL_FORMAT": (
        'Der Prinzipal {principal} benennt niemanden. Schreiben Sie "*" oder ein Objekt wie {{"AWS": '
        '"111122223333"}} mit Konten und ARNs.'
    ),
    "INVALID_PRINCIPAL_KEY": (
        "Prinzipale der Art {kind} gibt es nicht. Groß- und Kleinschreibung zählt; zulässig sind {accepted}."
    ),
    "UNSUPPORTED_WILDCARD_IN_PRINCIPAL": (
        "Der Prinzipal {principal} enthält einen Platzhalter, der dort niemanden benennt. Nennen Sie jeden "
        "einzeln, oder alle und eine Bedingung auf aws:PrincipalArn."
    ),
    "FEDERATED_PRINCIPAL_NOT_SUPPORTED": (
        "Nur die Vertrauensrichtlinie einer Rolle kann Identitätsanbieter nennen. Nennen Sie die Rolle, die "
        "über den Anbieter angenommen wird."
    ),
    "INVALID_SERVICE_PRINCIPAL_FORMAT": (
        "{service} ist nicht der Name eines Dienstes, der anfragt. Schreiben Sie ihn klein wie "
        "ec2.amazonaws.com, unter kms:ViaService wie ec2.eu-west-1.amazonaws.com."
    ),
    "UNSUPPORTED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL": (
        "Anfragen eines Dienstes tragen den Schlüssel {key} nicht, also wird nichts erlaubt. Verwenden Sie "
        "Schlüssel der Quelle wie aws:SourceArn, oder trennen Sie Menschen und Dienste in eigene Anweisungen."
    ),
    "ROLE_TRUST_POLICY_SYNTAX_ERROR_NOTPRINCIPAL": (
        "Eine Vertrauensrichtlinie hat kein NotPrincipal. Nennen Sie in Principal, wer darf."
    ),
    "ROLE_TRUST_POLICY_SYNTAX_ERROR_RESOURCE": (
        "Eine Vertrauensrichtlinie gilt für ihre eigene Rolle und nennt keine Ressourcen. Entfernen Sie {element}."
    ),
    "ROLE_TRUST_POLICY_UNSUPPORTED_WILDCARD_IN_PRINCIPAL": (
        "Eine Vertrauensrichtlinie kann nicht mit einem bloßen Stern alle nennen. Nennen Sie, wer darf; sind "
        'alle gemeint, schreiben Sie {{"AWS": "*"}} und eine Bedingung.'
    ),
    "INVALID_FEDERATED_PRINCIPAL_SYNTAX_IN_ROLE_TRUST_POLICY": (
        "{provider} ist weder die Domain eines Identitätsanbieters noch der ARN eines solchen in IAM. "
        "Schreiben Sie eine Domain wie accounts.google.com, oder den ARN eines SAML- oder OIDC-Anbieters."
    ),
    "MISMATCHED_ACTION_FOR_PRINCIPAL": (
        "{principal} kann mit den Aktionen dieser Anweisung keine Rolle annehmen. Verwenden Sie "
        "sts:AssumeRoleWithSAML für SAML, sts:AssumeRoleWithWebIdentity für andere Anbieter, sonst "
        "sts:AssumeRole."
    ),
    "MISSING_ACTION_FOR_ROLES_ANYWHERE_TRUST_POLICY": (
        "Roles Anywhere kann die Rolle ohne {missing} nicht annehmen. Ergänzen Sie in Action, was fehlt."
    ),
    "INVALID_CONDITION_OPERATOR": (
        "Einen Operator {operator} gibt es nicht. Berichtigen Sie ihn; am nächsten kommt {nearest}."
    ),
    "NULL_WITH_IF_EXISTS": (
        "Null fragt, ob es einen Schlüssel gibt, also hat IfExists keinen Sinn. Schreiben Sie nur Null."
    ),
    "INVALID_CONDITION_KEY_FORMAT": (
        "{key} ist nicht wie ein Bedingungsschlüssel geschrieben. Schreiben Sie prefix:name wie in aws:SourceIp."
    ),
    "MISSING_TAG_KEY_IN_CONDITION": "{key} nennt das Tag nicht. Schreiben Sie das Tag hinter den Schrägstrich.",
    "DUPLICATE_KEYS_WITH_DIFFERENT_CASE": (
        "Der Schlüssel {key} steht zweimal unter einem Operator, denn Groß- und Kleinschreibung zählt bei "
        "Schlüsseln nicht. Schreiben Sie die Werte in eine Liste."
    ),
    "INVALID_CONDITION_DATA_TYPE": "Die Werte von {key} haben mehr als einen JSON-Typ. Schreiben Sie alle als Text.",
    "INVALID_CONDITION_MULTIPLE_BOOLEAN": (
        "{key} wird mit mehreren Wahrheitswerten verglichen. Schreiben Sie den gemeinten."
    ),
    "INVALID_GLOBAL_CONDITION_KEY": (
        "Einen globalen Schlüssel {key} gibt es nicht. Berichtigen Sie ihn oder entfernen Sie den Vergleich."
    ),
    "UNSUPPORTED_GLOBAL_CONDITION_KEY": (
        "Der Schlüssel {key} wird hier nicht unterstützt. Verwenden Sie aws:PrincipalArn oder aws:SourceArn."
    ),
    "INVALID_SERVICE_CONDITION_KEY": (
        "Der Dienst {service} hat keinen Schlüssel {key}. Berichtigen Sie ihn; am nächsten kommt {nearest}."
    ),
    "UNSUPPORTED_ACTION_FOR_CONDITION_KEY": (
        "Anfragen für {actions} tragen den Schlüssel {key} nie. Verschieben Sie diese Aktionen in eine "
        "Anweisung ohne ihn."
    ),
    "MISSING_ACTION_FOR_CONDITION_KEY": (
        "Der Schlüssel {key} kommt nur mit {action}, das die Anweisung nicht nennt. Ergänzen Sie die Aktion "
        "oder entfernen Sie den Vergleich."
    ),
    "MISSING_QUALIFIER": (
        "Der Schlüssel {key} kann mehrere Werte haben. Sagen Sie mit ForAllValues oder ForAnyValue, wie viele"
        " davon passen müssen."
    ),
    "INVALID_REGION": "Eine Region {value} gibt es nicht. Schreiben Sie eine wie eu-west-1.",
    "INVALID_VPC_FORMAT": (
        "{value} ist nicht die Kennung einer VPC. Schreiben Sie vpc- und 8 oder 17 Zeichen aus a-f und 0-9."
    ),
    "INVALID_VPCE_FORMAT": (
        "{value} ist nicht die Kennung eines VPC-Endpunkts. Schreiben Sie vpce- und 8 oder 17 Zeichen aus a-f und 0-9."
    ),
    "INVALID_KMS_KEY_VALUE": (
        "{value} ist nicht der ARN eines KMS-Schlüssels. Schreiben Sie den vollen ARN des Schlüssels, nicht "
        "den eines Alias."
    ),
    "WILDCARD_USAGE_TOO_PERMISSIVE": (
        "Der Platzhalter in {value} lässt {key} für beinahe jeden offen. Schreiben Sie mehr vom Wert davor, "
        "oder den Wert selbst."
    ),
    "VARIABLE_USAGE_TOO_PERMISSIVE": (
        "Die Variable in {value} überlässt den Wert von {key} dem Anfragenden. Schreiben Sie mehr vom Wert "
        "davor, oder den Wert selbst."
    ),
    "TYPE_MISMATCH_IP_RANGE": (
        "{value} ist weder Adresse noch Bereich. Schreiben Sie 203.0.113.0/24 oder 2001:db8::/32."
    ),
    "PRIVATE_IP_ADDRESS": (
        "aws:SourceIp ist nie eine dieser privaten Adressen, also gilt der Vergleich nie. Verwenden Sie "
        "öffentliche Adressen, oder aws:VpcSourceIp für solche in einer VPC."
    ),
    "PRIVATE_NOT_IP_ADDRESS": (
        "aws:SourceIp ist nie eine dieser privaten Adressen, also gilt der Vergleich immer. Verwenden Sie "
        "öffentliche Adressen, oder aws:VpcSourceIp für solche in einer VPC."
    ),
    "EMPTY_VARIABLE": "Hier steht eine Variable ohne Namen. Schreiben Sie ${{prefix:name}}.",
    "MISSING_BRACE_IN_VARIABLE": "Der Variablen fehlt die schließende Klammer. Schreiben Sie ${{prefix:name}}.",
    "MISSING_QUOTE_IN_VARIABLE": (
        "Die Vorgabe der Variablen steht nicht in einfachen Anführungszeichen. Schreiben Sie ${{prefix:name, "
        "'default'}}."
    ),
    "UNSUPPORTED_SPACE_IN_VARIABLE": "Im Namen der Variablen ist ein Leerzeichen. Entfernen Sie es.",
    "UNSUPPORTED_SYMBOL_IN_VARIABLE": (
        "Der Name der Variablen enthält ein Zeichen, das kein Schlüssel hat. Schreiben Sie den Namen eines "
        "Schlüssels wie aws:username."
    ),
    "VARIABLE_UNSUPPORTED_IN_ELEMENT": (
        "{element} nimmt keine Variablen. Variablen gehören in Resource, NotResource und die Werte von Condition."
    ),
    "VARIABLE_UNSUPPORTED_IN_VERSION": (
        'In dieser Version der Sprache ist die Variable bloßer Text. Schreiben Sie "Version": "2012-10-17".'
    ),
    "INVALID_VARIABLE_FOR_OPERATOR": "{operator} nimmt keine Variablen. Operatoren für String und Arn tun es.",
    "POLICY_SIZE_EXCEEDS_SCP_QUOTA": (
        "Die Richtlinie hat mit Leerraum {size} Zeichen; zulässig sind {most}. Kürzen Sie sie oder machen Sie"
        " zwei daraus."
    ),
    "POLICY_SIZE_EXCEEDS_RCP_QUOTA": (
        "Die Richtlinie hat mit Leerraum {size} Zeichen; zulässig sind {most}. Kürzen Sie sie oder machen Sie"
        " zwei daraus."
    ),
    "SCP_SYNTAX_ERROR_PRINCIPAL": "Eine Leitplanke gilt für alle Prinzipale eines Kontos. Entfernen Sie {element}.",
    "RCP_SYNTAX_ERROR_PRINCIPAL": (
        'Eine Leitplanke für Ressourcen gilt für alle. Schreiben Sie "Principal": "*" und schränken Sie sie '
        "mit einer Bedingung ein."
    ),
    "RCP_SYNTAX_ERROR_ALLOW": (
        "Eine Leitplanke für Ressourcen erlaubt nichts. Schreiben Sie Deny; alles andere bleibt, wie es ist."
    ),
    "RCP_SYNTAX_ERROR_NOTACTION": (
        "Eine Leitplanke für Ressourcen hat kein NotAction. Nennen Sie in Action, was verweigert wird."
    ),
    "RCP_SYNTAX_ERROR_ACTION": (
        "Eine Leitplanke für Ressourcen erreicht {action} nicht. Nennen Sie Aktionen von Diensten, die sie "
        "abdeckt, jede mit ihrem Präfix."
    ),
}
