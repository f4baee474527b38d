"""Makes the golden assertions, with PyJWT: an implementation that shares nothing with the crate.

    python3 -m pip install 'pyjwt[crypto]'
    python3 tests/data/golden/make.py            # writes the files beside this one
    python3 tests/data/golden/make.py --check    # exits with 1 if they differ

The key is the throw-away key that the crate ships for tests; the clock stands at 2026-01-01 00:00:00 UTC.
"""

import json
import pathlib
import sys

import jwt
from cryptography.hazmat.primitives.serialization import load_pem_private_key

HERE = pathlib.Path(__file__).parent
KEY = json.loads((HERE / "../../../src/testing/throw_away_key.json").read_text())
NOW = 1767225600
ISSUED_AT = NOW - 10  # set back by 10 s
SCOPE = "https://www.googleapis.com/auth/analytics.readonly"


def assertion(key_id, **extra):
    claims = {"iss": KEY["client_email"]}
    claims |= extra
    claims |= {"aud": KEY["token_uri"], "iat": ISSUED_AT, "exp": ISSUED_AT + 3600}
    headers = {"kid": key_id} if key_id else {}
    return jwt.encode(claims, KEY["private_key"], algorithm="RS256", headers=headers)


GOLDEN = {
    "plain.jwt": assertion(KEY["private_key_id"], scope=SCOPE),
    "no_key_id.jwt": assertion(None, scope=SCOPE),
    "subject_two_scopes.jwt": assertion(
        KEY["private_key_id"],
        sub="jane@example.com",
        scope=SCOPE + " https://www.googleapis.com/auth/analytics",
    ),
    "id_token.jwt": assertion(KEY["private_key_id"], target_audience="https://service.example.com/"),
}

# What the fake Google grants for the last one, an hour less a second long.
GOLDEN["fake_id_token.jwt"] = jwt.encode(
    {
        "aud": "https://service.example.com/",
        "azp": KEY["client_email"],
        "email": KEY["client_email"],
        "email_verified": True,
        "exp": NOW + 3599,
        "iat": NOW,
        "iss": "https://accounts.google.com",
        "sub": "100000000000000000001",
    },
    KEY["private_key"],
    algorithm="RS256",
    headers={"kid": KEY["private_key_id"]},
)


def self_signed(**access):
    claims = {"iss": KEY["client_email"], "sub": KEY["client_email"]}
    claims |= access
    claims |= {"iat": ISSUED_AT, "exp": ISSUED_AT + 3600}
    return jwt.encode(claims, KEY["private_key"], algorithm="RS256", headers={"kid": KEY["private_key_id"]})


API = "https://analyticsdata.googleapis.com/"
GOLDEN["self_signed_scope.jwt"] = self_signed(scope=SCOPE)
GOLDEN["self_signed_audience.jwt"] = self_signed(aud=API)


def verify(name, audience=None):
    """As a service does that receives the file: signature, audience, and the times that must be there."""
    public = load_pem_private_key(KEY["private_key"].encode(), None).public_key()
    required = {"require": ["iss", "iat", "exp"], "verify_exp": False, "verify_iat": False}
    required["verify_aud"] = audience is not None
    jwt.decode((HERE / name).read_text(), public, ["RS256"], required, audience=audience)


if "--check" in sys.argv:
    verify("id_token.jwt", KEY["token_uri"])
    verify("fake_id_token.jwt", "https://service.example.com/")
    verify("self_signed_audience.jwt", API)
    verify("self_signed_scope.jwt")
    wrong = [name for name, text in GOLDEN.items() if (HERE / name).read_text() != text]
    sys.exit(f"differ from what PyJWT {jwt.__version__} makes: {wrong}" if wrong else 0)
for name, text in GOLDEN.items():
    (HERE / name).write_text(text)
