"""The configurations for servers that Debian has not: their form, and what they must say for the check to be one."""
import front
import yaml


def read(name):
    return yaml.safe_load((front.ROOT / "deploy" / name).read_text())


def headers(names):
    return {f"X-Kaimen-{name}" for name in names}


def test_traefik():
    http = read("traefik/kaimen.yaml")["http"]
    assert set(http) == {"routers", "middlewares", "services"}
    for router in http["routers"].values():
        assert router["service"] in http["services"] and set(router.get("middlewares", [])) <= set(http["middlewares"])
    assert http["routers"]["api"]["middlewares"] == ["claims", "kaimen"], "claims are deleted before the check"
    auth = http["middlewares"]["kaimen"]["forwardAuth"]
    assert auth["address"].endswith("/verify") and set(auth["authRequestHeaders"]) == {"Authorization", "X-Kaimen-Ticket", "Cookie"}
    assert set(auth["authResponseHeaders"]) == headers([*front.IDENTITY, "Actor"])
    deleted = http["middlewares"]["claims"]["headers"]["customRequestHeaders"]
    assert set(deleted.values()) == {""} and headers(["Jwt", "Actor", "Key"]) <= set(deleted) and "X-WX-Openid" in deleted
    assert "X-Kaimen-Ticket" not in deleted


def test_envoy():
    resources = read("envoy/kaimen.yaml")["static_resources"]
    manager = resources["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    clusters = {cluster["name"] for cluster in resources["clusters"]}
    for route in manager["route_config"]["virtual_hosts"][0]["routes"]:
        assert route["route"]["cluster"] in clusters
    names = [one["name"].rsplit(".", 1)[1] for one in manager["http_filters"]]
    assert names == ["lua", "ext_authz", "router"], "claims are deleted before the check"
    assert all(one["typed_config"]["@type"].startswith("type.googleapis.com/envoy.") for one in manager["http_filters"])
    check = manager["http_filters"][1]["typed_config"]
    assert check["failure_mode_allow"] is False and check["status_on_error"]["code"] == "ServiceUnavailable"
    service = check["http_service"]
    assert service["server_uri"]["cluster"] in clusters and service["path_override"] == "/verify" and "path_prefix" not in service
    assert {pattern["exact"] for pattern in check["allowed_headers"]["patterns"]} == {"authorization", "x-kaimen-ticket", "cookie"}
    assert manager["common_http_protocol_options"]["headers_with_underscores_action"] == "DROP_HEADER"


# What Envoy hands over: names in lower case.
HANDLE = """
local headers = {}
for name in ("%s"):gmatch("%%S+") do headers[name] = "value" end
local handle = {
  headers = function()
    return setmetatable({ remove = function(_, name) headers[name] = nil end }, { __pairs = function() return next, headers, nil end })
  end,
}
envoy_on_request(handle)
for name in pairs(headers) do print(name) end
"""


def test_envoy_deletes_claims_whatever_stands_for_their_hyphens(tmp_path):
    manager = read("envoy/kaimen.yaml")["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    script = manager["http_filters"][0]["typed_config"]["default_source_code"]["inline_string"]
    honest = ["authorization", "x-kaimen-ticket", "x-wx-skey", "x-wx-code", "x-kaimen", "x0kaimen-user"]
    forged = ["x-kaimen-user", "x.kaimen.roles", "x-kaimen!env", "x-wx-openid", "x*wx*from*appid", "x-wx.from-unionid"]
    assert sorted(front.lua(tmp_path, script + HANDLE % " ".join(honest + forged)).split()) == sorted(honest)
