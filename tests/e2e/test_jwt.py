"""JWTs for backends that check offline, read by other people's verifiers: Debian's python3-jwt and npm's jose."""
import base64
import hashlib
import hmac
import json
import os
import pathlib
import shutil
import subprocess
import time

import jwt
import pytest

import server
import wire
from cryptography.hazmat.primitives import serialization

AUDIENCE = "https://shop.example.cn"
REQUIRED = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sid"]


def jwks(kaimen):
    answer = wire.call(kaimen.public, "GET", "/.well-known/jwks.json")
    assert answer.status == 200 and answer.get("content-type") == "application/json", answer
    return answer


def public_key(kaimen, token):
    """The key that a token names, as a backend would look it up."""
    key_id = jwt.get_unverified_header(token)["kid"]
    return next(jwt.PyJWK(key).key for key in jwks(kaimen).json()["keys"] if key["kid"] == key_id)


def claims_of(kaimen, token, audience=AUDIENCE):
    return jwt.decode(token, public_key(kaimen, token), algorithms=["ES256"], audience=audience, issuer=kaimen.public, options={"require": REQUIRED})


def minted(kaimen, ticket, audience=AUDIENCE):
    answer = kaimen.client("POST", "/v1/session/jwt", ticket, json={"audience": audience})
    assert answer.status == 200 and answer.get("cache-control") == "no-store", answer
    return answer.json()


# What it says


def test_a_backend_that_has_the_keys_reads_who_it_is(kaimen, user):
    login = kaimen.login(user)
    answer = minted(kaimen, login["token"])
    assert 590 <= answer["expires_in"] <= 600
    claims = claims_of(kaimen, answer["jwt"])
    check = kaimen.verify(login["token"])
    assert claims["sub"] == login["user"]["id"] and claims["sid"] == login["session"]["id"] and claims["aud"] == AUDIENCE
    assert claims["app_id"] == kaimen.app_id and claims["openid"] == check.get("x-kaimen-openid")
    assert claims["registered"] is (check.get("x-kaimen-registered") == "true") and claims["roles"] == []
    assert claims["exp"] - claims["iat"] == 600 and claims["nbf"] == claims["iat"] and abs(claims["iat"] - time.time()) < 5
    assert wire.ID.fullmatch(claims["jti"])


def test_its_header_names_algorithm_key_and_type_alone(kaimen, user):
    header = jwt.get_unverified_header(minted(kaimen, kaimen.login(user)["token"])["jwt"])
    assert header.pop("kid") and header == {"alg": "ES256", "typ": "JWT"}


def test_the_check_hands_one_to_the_backend(kaimen, user):
    login = kaimen.login(user)
    first = kaimen.verify(login["token"], f"jwt={AUDIENCE}")
    assert first.status == 204 and first.get("x-kaimen-user") == login["user"]["id"] and first.get("cache-control") == "no-store"
    assert claims_of(kaimen, first.get("x-kaimen-jwt"))["sub"] == login["user"]["id"]
    again = kaimen.verify(login["token"], f"jwt={AUDIENCE}")
    assert again.get("x-kaimen-jwt") == first.get("x-kaimen-jwt"), "it is kept, not signed for each check"
    assert sorted(name.lower() for name, _ in first.headers if name.lower().startswith("x-kaimen")) == sorted(
        name.lower() for name, _ in again.headers if name.lower().startswith("x-kaimen"))
    assert kaimen.verify(login["token"]).get("x-kaimen-jwt") is None


def test_each_audience_and_each_user_gets_its_own(kaimen, user):
    one, two = kaimen.login(user), kaimen.login(user + "b")
    tokens = [kaimen.verify(login["token"], f"jwt={audience}").get("x-kaimen-jwt") for login in (one, two) for audience in ("a", "b")]
    assert len(set(tokens)) == 4
    assert [claims_of(kaimen, token, audience)["sub"] for token, audience in zip(tokens, "abab")] == [one["user"]["id"]] * 2 + [two["user"]["id"]] * 2


def test_many_checks_at_once_share_one_signature(kaimen, user):
    token = kaimen.login(user)["token"]
    found = server.parallel(16, lambda index: kaimen.verify(token, "jwt=many").get("x-kaimen-jwt"))
    assert len(set(found)) == 1 and found[0]


@pytest.mark.parametrize("method", ["HEAD", "POST", "OPTIONS"])
def test_any_method_gets_it(kaimen, user, method):
    token = kaimen.login(user)["token"]
    assert claims_of(kaimen, kaimen.verify(token, f"jwt={AUDIENCE}", method=method).get("x-kaimen-jwt"))


# Who gets none


def test_no_good_ticket_no_jwt(kaimen, user):
    login = kaimen.login(user)
    assert kaimen.verify(login["token"], f"jwt={AUDIENCE}").status == 204
    assert kaimen.client("DELETE", "/v1/session", login["token"]).status == 204
    ended = kaimen.verify(login["token"], f"jwt={AUDIENCE}")
    server.assert_reason(ended, "logged_out")
    assert ended.get("x-kaimen-jwt") is None
    server.assert_reason(kaimen.verify(query=f"jwt={AUDIENCE}"), "missing")
    anybody = kaimen.verify(query=f"jwt={AUDIENCE}&optional=true")
    assert anybody.status == 204 and anybody.get("x-kaimen-jwt") is None
    wire.problem(kaimen.client("POST", "/v1/session/jwt", login["token"], json={"audience": AUDIENCE}), 401, "unauthenticated", "logged_out")
    wire.problem(kaimen.client("POST", "/v1/session/jwt", json={"audience": AUDIENCE}), 401, "unauthenticated", "missing")


@pytest.mark.parametrize("audience", ["", "a" * 129, "a%20b", "%C3%A9", "a%0Ab", "a&jwt=b", "%00"])
def test_an_audience_that_is_none_is_forbidden(kaimen, user, audience):
    assert kaimen.verify(kaimen.login(user)["token"], f"jwt={audience}").status == 403


@pytest.mark.parametrize("body", [{}, {"audience": ""}, {"audience": "a b"}, {"audience": "a" * 129}, {"audience": "é"}, {"audience": 1}, {"audience": ["a"]}])
def test_a_bad_audience_is_refused(kaimen, user, body):
    wire.problem(kaimen.client("POST", "/v1/session/jwt", kaimen.login(user)["token"], json=body), 400, "invalid_request")


def test_a_check_that_does_not_fit_gets_none(kaimen, user):
    token = kaimen.login(user)["token"]
    for query in ("role=admin", "env=trial", "app_id=wxother00000000001"):
        refused = kaimen.verify(token, f"jwt={AUDIENCE}&{query}")
        assert refused.status == 403 and refused.get("x-kaimen-jwt") is None


def test_a_jwt_is_no_ticket(kaimen, user):
    token = minted(kaimen, kaimen.login(user)["token"])["jwt"]
    server.assert_reason(kaimen.verify(token), "malformed")
    assert kaimen.introspect(token).json() == {"active": False}
    wire.problem(kaimen.client("GET", "/v1/me", token), 401, "unauthenticated", "malformed")
    assert kaimen.renew(token).status == 401


# The keys


def test_the_keys_may_be_kept_by_others(kaimen):
    answer = jwks(kaimen)
    assert answer.get("cache-control") == "public, max-age=3600"
    for key in answer.json()["keys"]:
        assert set(key) == {"kty", "crv", "x", "y", "kid", "alg", "use"} and (key["kty"], key["crv"], key["alg"], key["use"]) == ("EC", "P-256", "ES256", "sig")
    assert wire.call(kaimen.private, "GET", "/.well-known/jwks.json").json() == answer.json()


def test_the_issuer_says_where_its_keys_are(kaimen):
    answer = wire.call(kaimen.public, "GET", "/.well-known/openid-configuration")
    assert answer.get("cache-control") == "public, max-age=3600"
    document = answer.json()
    assert document["issuer"] == kaimen.public and document["jwks_uri"] == kaimen.public + "/.well-known/jwks.json"
    assert document["id_token_signing_alg_values_supported"] == ["ES256"]


def test_the_configured_address_is_the_issuer(own_kaimen):
    one = own_kaimen(environment={"KAIMEN_PUBLIC_URL": "https://login.example.cn/"})
    token = minted(one, one.login("u")["token"])["jwt"]
    assert jwt.decode(token, public_key(one, token), algorithms=["ES256"], audience=AUDIENCE)["iss"] == "https://login.example.cn"


def test_retired_keys_are_gone_and_others_sign(own_kaimen):
    one = own_kaimen()
    before = jwks(one).json()["keys"]
    assert one.admin("POST", "/ticket-keys/retire").status == 204
    after = jwks(one).json()["keys"]
    assert len(after) == 1 and after[0]["kid"] != before[0]["kid"]
    assert claims_of(one, minted(one, one.login("u")["token"])["jwt"])


# What a verifier must refuse (T11)


def encoded(value):
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def forgeries(kaimen, token):
    """Tokens near a good one, none of which our key has signed."""
    header, claims, signature = token.split(".")
    read = json.loads(base64.urlsafe_b64decode(claims + "=="))
    other = encoded({**read, "sub": "0" * 32})
    public = public_key(kaimen, token)
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    hs_header = encoded({"alg": "HS256", "typ": "JWT", "kid": jwt.get_unverified_header(token)["kid"]})
    hs_signature = encoded(hmac.new(pem, f"{hs_header}.{claims}".encode(), hashlib.sha256).digest())
    none_header = encoded({"alg": "none", "typ": "JWT"})
    return {
        "another user": f"{header}.{other}.{signature}",
        "none": f"{none_header}.{claims}.",
        "none, signed": f"{none_header}.{claims}.{signature}",
        "HMAC with the public key": f"{hs_header}.{claims}.{hs_signature}",
        "no signature": f"{header}.{claims}.",
        "zeros": f"{header}.{claims}.{encoded(bytes(64))}",
        "cut": token[:-4],
        "own key in the header": forged_with_own_key(token, claims),
    }


def forged_with_own_key(token, claims):
    from cryptography.hazmat.primitives.asymmetric import ec
    key = ec.generate_private_key(ec.SECP256R1())
    numbers = key.public_key().public_numbers()
    jwk = {"kty": "EC", "crv": "P-256", "x": encoded(numbers.x.to_bytes(32, "big")), "y": encoded(numbers.y.to_bytes(32, "big"))}
    payload = json.loads(base64.urlsafe_b64decode(claims + "=="))
    return jwt.encode(payload, key, algorithm="ES256", headers={"kid": jwt.get_unverified_header(token)["kid"], "jwk": jwk})


def test_no_forgery_passes_python3_jwt(kaimen, user):
    token = minted(kaimen, kaimen.login(user)["token"])["jwt"]
    key = public_key(kaimen, token)
    for name, forged in forgeries(kaimen, token).items():
        with pytest.raises(jwt.InvalidTokenError):
            jwt.decode(forged, key, algorithms=["ES256"], audience=AUDIENCE, issuer=kaimen.public)
            pytest.fail(name)
    with pytest.raises(jwt.InvalidAudienceError):
        jwt.decode(token, key, algorithms=["ES256"], audience="https://other.example.cn", issuer=kaimen.public)
    with pytest.raises(jwt.InvalidIssuerError):
        jwt.decode(token, key, algorithms=["ES256"], audience=AUDIENCE, issuer="https://other.example.cn")


VERIFIER = """
import { createRemoteJWKSet, jwtVerify } from 'jose'
const { issuer, audience, tokens } = JSON.parse(process.argv[2])
const keys = createRemoteJWKSet(new URL(issuer + '/.well-known/jwks.json'))
const found = {}
for (const [name, token] of Object.entries(tokens)) {
  try {
    const { payload } = await jwtVerify(token, keys, { issuer, audience, algorithms: ['ES256'], requiredClaims: ['sub', 'exp', 'nbf', 'iat', 'jti', 'sid'] })
    found[name] = payload.sub
  } catch (error) {
    found[name] = error.code || String(error)
  }
}
console.log(JSON.stringify(found))
"""


@pytest.fixture(scope="module")
def jose(tmp_path_factory):
    """A directory in which node finds npm's jose, of the version that script/setup names."""
    directory = pathlib.Path(os.environ.get("KAIMEN_NPM", tmp_path_factory.mktemp("npm")))
    if not (directory / "node_modules" / "jose").is_dir():
        npm = shutil.which("npm")
        assert npm, "npm is missing: run script/setup"
        done = subprocess.run([npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(directory), "jose@5"], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
    (directory / "verifier.mjs").write_text(VERIFIER)
    return directory


def test_npms_jose_takes_ours_and_no_forgery(kaimen, user, jose):
    login = kaimen.login(user)
    token = minted(kaimen, login["token"])["jwt"]
    tokens = {"ours": token, "for another": minted(kaimen, login["token"], "https://other.example.cn")["jwt"], **forgeries(kaimen, token)}
    question = json.dumps({"issuer": kaimen.public, "audience": AUDIENCE, "tokens": tokens})
    done = subprocess.run(["node", str(jose / "verifier.mjs"), question], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found.pop("ours") == login["user"]["id"]
    assert found.pop("for another") == "ERR_JWT_CLAIM_VALIDATION_FAILED"
    assert len(found) == 8 and all(code.startswith("ERR_J") for code in found.values()), found
