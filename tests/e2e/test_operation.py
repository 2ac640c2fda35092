"""What operators and tools look at: health, metrics, the OpenAPI document, answers to what is not there."""
import json
import re

import pytest

import wire
from admin_routes import ROUTES

@pytest.mark.parametrize("listener", ["public", "private"])
def test_healthz_is_200_on_both_listeners(kaimen, listener):
    assert wire.call(getattr(kaimen, listener), "GET", "/healthz").status == 200


def test_readyz_is_200_once_ready(kaimen):
    assert wire.call(kaimen.private, "GET", "/readyz").status == 200


def test_the_metrics_are_prometheus_text(kaimen, user):
    token = kaimen.login(user)["token"]
    kaimen.verify(token), kaimen.verify("x")
    answer = wire.call(kaimen.private, "GET", "/metrics")
    assert answer.status == 200 and answer.get("content-type").startswith("text/plain"), answer
    sample = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\.)*",?)*\})? (-?[0-9.e+-]+|NaN|[+-]Inf)')
    typed, seen = {}, set()
    text = answer.body.decode()
    assert text.endswith("\n")
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in typed and kind in ("counter", "gauge", "histogram", "summary"), line
            typed[name] = kind
        elif line and not line.startswith("#"):
            match = sample.fullmatch(line)
            assert match, line
            family = re.sub(r"_(bucket|sum|count)$", "", match[1])
            assert match[1] in typed or family in typed, line
            assert (match[1], match[2]) not in seen, line
            seen.add((match[1], match[2]))
            if typed.get(match[1]) == "counter":
                assert match[1].endswith("_total"), line
    assert any(name.startswith("kaimen_") for name in typed)
    assert token not in text and user not in text


def documented():
    client = ["POST /v1/login", "GET /v1/session", "DELETE /v1/session", "POST /v1/session/renew", "GET /v1/me", "POST /v1/me", "POST /v1/me/wechat-profile", "POST /v1/me/phone",
              "GET /v1/me/sessions", "DELETE /v1/me/sessions", "DELETE /v1/me/sessions/{}", "GET /verify", "POST /introspect", "GET /healthz", "GET /readyz", "GET /metrics"]
    return client + [f"{method} /admin/v1{re.sub('{[a-z]+}', '{}', path)}" for method, path, _ in ROUTES]


def test_the_openapi_document_names_every_route(kaimen):
    answer = wire.call(kaimen.private, "GET", "/openapi.json")
    document = answer.json()
    assert answer.status == 200 and document["openapi"].startswith("3.") and document["info"]["title"] and document["info"]["version"]
    named = {f"{method.upper()} {re.sub('{[^}]+}', '{}', path)}" for path, operations in document["paths"].items() for method in operations if method != "parameters"}
    assert set(documented()) - named == set()


def test_every_reference_in_the_openapi_document_leads_somewhere(kaimen):
    document = wire.call(kaimen.private, "GET", "/openapi.json").json()
    references = re.findall(r'"\$ref": ?"#/([^"]+)"', json.dumps(document))
    assert references
    for reference in references:
        place = document
        for part in reference.split("/"):
            place = place[part]


def test_every_path_parameter_is_declared_in_the_openapi_document(kaimen):
    document = wire.call(kaimen.private, "GET", "/openapi.json").json()
    for path, operations in document["paths"].items():
        for name in re.findall(r"{([^}]+)}", path):
            for method, operation in operations.items():
                if method == "parameters":
                    continue
                given = [one["name"] for one in operation.get("parameters", []) + operations.get("parameters", []) if one.get("in") == "path"]
                assert name in given, (method, path)


@pytest.mark.parametrize("listener, path", [("public", "/v1/nowhere"), ("public", "/v1"), ("public", "/v1/login/x"), ("private", "/admin/v1/nowhere"), ("private", "/admin/v1/apps/a/b/c"),
                                            ("public", "/v1/%2e%2e/login"), ("public", "/v1/login%00")])
def test_an_unknown_route_is_a_404_problem(kaimen, listener, path):
    answer = wire.call(getattr(kaimen, listener), "GET", path, headers=wire.bearer(kaimen.admin_key))
    if answer.status == 400:
        return wire.problem(answer, 400, "invalid_request")
    wire.problem(answer, 404, "not_found")


@pytest.mark.parametrize("listener, method, path, allowed", [("public", "GET", "/v1/login", {"POST"}), ("public", "PUT", "/v1/me", {"GET", "POST"}),
                                                             ("private", "DELETE", "/admin/v1/apps", {"GET", "POST"}), ("public", "TRACE", "/v1/session", {"GET", "DELETE"}),
                                                             ("public", "BREW", "/v1/session", {"GET", "DELETE"})])
def test_a_wrong_method_is_405_with_allow(kaimen, listener, method, path, allowed):
    answer = wire.call(getattr(kaimen, listener), method, path, headers=wire.bearer(kaimen.admin_key))
    wire.problem(answer, 405, "method_not_allowed")
    assert allowed <= {one.strip() for one in answer.get("allow").split(",")}, answer
