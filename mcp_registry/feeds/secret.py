"""`looks_secret`: whether a value must not be stored. Pure; nothing here keeps or shows a value.

Names decide first (`SLACK_BOT_TOKEN`), then values (`ghp_...`, a password inside a URL). In doubt a value counts as
secret: the cost is one variable to export, and the cost of the opposite is a leaked key.
"""

import re

from mcp_registry.feeds.name import words

REFERENCE = re.compile(r"\$\{[^}]*\}")
SCHEME = re.compile(r"(?i)(?:bearer|basic|token|apikey)\s+")

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SECRET_WORDS = words(
    "authorization bearer cookie cookies credential credentials jwt pass passwords pat pin pwd secrets webhook"
)
_SECRET_ENDINGS = (
    *("token", "secret", "password", "passwd", "passphrase"),
    *("apikey", "accesskey", "authkey", "masterkey", "privatekey", "secretkey"),
)
# Secret unless the value is short: `AUTH=basic`.
_WEAK_WORDS = frozenset({"auth", "session", "signature", "sig"})
# A name that ends so speaks of a secret and does not hold one: TOKEN_FILE, SECRET_NAME, AUTH_TYPE.
_ABOUT = words(
    "algorithm audience class count dir directory domain enabled endpoint env expires expiry file folder format "
    "header headers host id issuer length limit location max method min mode name names path paths port prefix "
    "provider region required scope scopes size sock socket store suffix tenant timeout ttl type uri url user "
    "username version"
)
_PLAIN_KEYS = words("cache foreign group hot idempotency index object partition primary public publishable row sort")
_PLAIN_VALUES = words(
    "0 1 auto basic bearer default disabled enabled false jwt no none null oauth oauth2 off on optional required "
    "true yes"
)
# What a file may hold instead: GOOGLE_APPLICATION_CREDENTIALS=/home/me/key.json.
_FILE_WORDS = words("cookie cookies credential credentials key")
_FILE = re.compile(r"(?:~?/|\.{1,2}/|[A-Za-z]:\\|file:)\S*(?:/\S*|\.\w+)|[^\s/]+\.(?:json|pem|ya?ml|toml|txt|key)")

# How the keys of well-known providers begin, wherever they stand in a text.
KNOWN = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"(?:sk|rk|pk)[-_](?:live|test|proj|ant|or)[-_][\w-]{8,}|sk-[\w-]{16,}"
    r"|gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{16,}|glpat-[\w-]{16,}"
    r"|xox[abeoprs]-[\w-]{10,}|xapp-[\w-]{10,}|pat-[a-z]{2}\d-[\w-]{16,}"
    r"|A[KS]IA[A-Z0-9]{16}|AIza[\w-]{30,}|ya29\.[\w-]{16,}|SG\.[\w-]{16,}\.[\w-]{16,}"
    r"|eyJ[\w-]{8,}\.eyJ[\w-]{8,}(?:\.[\w-]*)?"
    r"|(?:dckr_pat|dop_v1|fc|gsk|hf|lin_api|napi|npm|ntn|nvapi|pplx|pypi|r8|sbp|secret|shpat|tvly|whsec|xai)"
    r"[-_](?=[\w-]*\d)[\w-]{16,}"
    r")"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*"
    r"|(?<=hooks\.slack\.com/services/)[\w/]+|(?<=/api/webhooks/)[\w/-]+"
)
BEARER = re.compile(r"(?i)(?<=bearer )[\w.~+/=-]{8,}")
# The password of a URL, up to its last `@`. What looks like a port is one: `http://host:8080/@scope`.
URL_PASSWORD = re.compile(r"(?<=://)([^\s:@/?#]*):(?!\d{1,5}(?:[/?#,]|$))([^\s\"'/?#]+(?=@)|[^\s\"']+(?=@))@")
URL_USER = re.compile(r"(?<=://)[^\s:@/?#$]{16,}(?=@)")
URL_QUERY = re.compile(r"([?&])([^=&\s?#]+)=([^&#\s\"']+)")
URL_SEGMENT = re.compile(r"(?<=/)[^\s/?#&$\"']{24,}(?=[/?#]|$)")
JSON_PAIR = re.compile(r"""(\\*["']([\w.-]+)\\*["']\s*:\s*\\*["'])([^"'\\]+)(?=\\*["'])""")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_HEX = re.compile(r"[0-9a-fA-F]+")


def looks_secret(name: str, value: str) -> bool:
    """True when a value of that name must not be stored. What is only `${NAME}` references is not secret.

    Example:
        ("SLACK_BOT_TOKEN", "xoxb-1") -> True    ("PORT", "8080") -> False    ("TOKEN_FILE", "/run/t") -> False
        ("DB_URL", "sqlite:///a.db") -> False    ("DB_URL", "postgres://u:pw@host/db") -> True
    """
    rest = SCHEME.sub("", REFERENCE.sub("", value)).strip()
    if not re.search(r"\w", rest) or rest.lower() in _PLAIN_VALUES:
        return False
    return name_is_secret(name, rest) or value_is_secret(REFERENCE.sub("", value))


def name_is_secret(name: str, value: str) -> bool:
    """True when the name says that it holds a secret and the value does not say otherwise."""
    words = [word.lower() for word in _WORD.findall(name)]
    while words and words[-1].isdigit():
        words.pop()
    if not words or words[-1] in _ABOUT or name in {"PWD", "OLDPWD"}:
        return False
    if words[-1] == "key":
        secret = not _PLAIN_KEYS.intersection(words)
    elif words[-1] in _WEAK_WORDS:
        secret = len(value) >= 8
    else:
        secret = any(word in _SECRET_WORDS or word.endswith(_SECRET_ENDINGS) for word in words)
    return secret and not (_FILE_WORDS.intersection(words) and _FILE.fullmatch(value))


def value_is_secret(value: str) -> bool:
    """True when the value alone gives it away: a known beginning, a URL with a password, a long random text."""
    if any(pattern.search(value) for pattern in (KNOWN, BEARER, URL_PASSWORD, URL_USER)) or is_random(value.strip()):
        return True
    if any(name_is_secret(pair[2], pair[3]) for pair in JSON_PAIR.finditer(value)):
        return True
    return "://" in value and (
        any(name_is_secret(pair[2], pair[3]) for pair in URL_QUERY.finditer(value))
        or any(is_random_segment(segment[0]) for segment in URL_SEGMENT.finditer(value))
    )


def is_random(text: str) -> bool:
    """True for a long run without words, as only machines write it. UUIDs name things more often than guard them."""
    if not re.fullmatch(r"[\w+=.~-]{24,}", text) or _UUID.fullmatch(text):
        return False
    longest = max(re.split(r"[_.=~+-]", text), key=len)
    digits = sum(character.isdigit() for character in longest)
    return len(longest) >= 24 and 3 <= digits < len(longest)


def is_random_segment(text: str) -> bool:
    """True for a random part of a URL's path that is not a commit's or a digest's hash."""
    return is_random(text) and not _HEX.fullmatch(text)
