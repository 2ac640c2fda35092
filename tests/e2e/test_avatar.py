"""Avatars: uploaded as wx.uploadFile does, stripped, served for ever; and what WeChat thinks of names and pictures."""
import hashlib
import struct
import zlib

import pytest

import server
import wire
from backend import CountingLine

PUSH = {"token": "pushtoken", "encoding_aes_key": "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR"}
GREY = "https://thirdwx.qlogo.cn/mmopen/vi_32/POgEwh4mIHO4nibH0KlMECNjjGxQUq24ZEaGT4poC6icRiccVGKSyXwibcPq4BWmiaIGuG1icwxaQX6grC9VemZoJ8rg/132"


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(tint, meta=b"", side=2):
    """A whole PNG of one colour; with `meta`, a text chunk."""
    pixels = zlib.compress(b"".join(b"\0" + bytes(tint) * side for _ in range(side)))
    text = chunk(b"tEXt", meta) if meta else b""
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)) + text + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def form(picture, name="file"):
    return b'--b\r\nContent-Disposition: form-data; name="user"\r\n\r\nann\r\n--b\r\nContent-Disposition: form-data; name="' + name.encode() + \
        b'"; filename="tmp_1.png"\r\nContent-Type: image/png\r\n\r\n' + picture + b"\r\n--b--\r\n"


def upload(kaimen, made, picture, content_type="multipart/form-data; boundary=b"):
    return kaimen.client("POST", "/v1/me/avatar", made["token"], body=form(picture), headers={"Content-Type": content_type})


def fetch(kaimen, url, **request):
    return wire.call(kaimen.public, "GET", url, **request)


@pytest.fixture
def user(request):
    return request.node.name[:100]


def test_an_avatar_is_stripped_and_served_for_ever(kaimen, user):
    made = kaimen.login(user)
    answer = upload(kaimen, made, png((1, 2, 3), b"Comment\0CANARY"))
    url = answer.json()["avatar_url"]
    assert answer.status == 200 and url == "/avatars/" + hashlib.sha256(png((1, 2, 3))).hexdigest(), answer
    assert kaimen.client("GET", "/v1/me", made["token"]).json()["avatar_url"] == url
    served = fetch(kaimen, url)
    assert served.status == 200 and served.body == png((1, 2, 3)), served
    assert served.get("content-type") == "image/png" and served.get("cache-control") == "public, max-age=31536000, immutable"
    assert served.get("x-content-type-options") == "nosniff" and "default-src 'none'" in served.get("content-security-policy")
    again = fetch(kaimen, url, headers={"If-None-Match": served.get("etag")})
    assert again.status == 304 and again.body == b"" and again.get("etag") == served.get("etag")


def test_what_is_no_picture_is_refused(kaimen, user):
    made = kaimen.login(user)
    for body in (b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"", png((1, 1, 1))[:-4], b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 5000, 2, 8, 2, 0, 0, 0)) + chunk(b"IDAT", b"x") + chunk(b"IEND", b"")):
        wire.problem(upload(kaimen, made, body), 400, "invalid_request")
    wire.problem(upload(kaimen, made, png((1, 1, 1)), "application/json"), 400, "invalid_request")
    wire.problem(kaimen.client("POST", "/v1/me/avatar", made["token"]), 400, "invalid_request")
    wire.problem(wire.call(kaimen.public, "POST", "/v1/me/avatar", body=form(png((1, 1, 1))), headers={"Content-Type": "multipart/form-data; boundary=b"}), 401, "unauthenticated", "missing")


def test_a_mebibyte_is_the_most(kaimen, user):
    made = kaimen.login(user)
    padding = 1024 * 1024 - len(png((1, 1, 1))) - 12
    whole = png((1, 1, 1))[:-12] + chunk(b"IDAT", b"\0" * padding) + chunk(b"IEND", b"")
    assert len(whole) == 1024 * 1024
    assert upload(kaimen, made, whole).status == 200
    wire.problem(upload(kaimen, made, whole + b"x"), 413, "payload_too_large")
    wire.problem(upload(kaimen, made, whole + b"x" * 65536), 413, "payload_too_large")


def test_another_avatar_takes_its_place(kaimen, user):
    made = kaimen.login(user)
    upload(kaimen, made, png((9, 0, 0)))
    url = upload(kaimen, made, png((9, 0, 1))).json()["avatar_url"]
    # A client that sends the user back as it came changes nothing.
    assert kaimen.client("POST", "/v1/me", made["token"], json={"nickname": "n", "avatar_url": url}).json()["avatar_url"] == url
    assert kaimen.client("POST", "/v1/me", made["token"], json={"avatar_url": GREY}).json()["avatar_url"] == url
    elsewhere = "https://cdn.example.com/a.png"
    assert kaimen.client("POST", "/v1/me", made["token"], json={"avatar_url": elsewhere}).json()["avatar_url"] == elsewhere
    assert upload(kaimen, made, png((9, 0, 1))).json()["avatar_url"] == url


def test_an_avatar_url_must_be_on_an_allowed_host(kaimen, user):
    app = kaimen.add_app("wxhosts000000000001", settings={"avatar_hosts": "cdn.example.com,img.example.com:8443"})
    made = kaimen.login(user, app)
    for url in ("https://cdn.example.com/a", "https://img.example.com:8443/a"):
        assert kaimen.client("POST", "/v1/me", made["token"], json={"avatar_url": url}).status == 200, url
    for url in ("https://evil.example.com/a", "https://cdn.example.com.evil.example/a", "https://cdn.example.com@evil.example/a", "https://evil.example/cdn.example.com", "https://cdn.example.com:444/a"):
        wire.problem(kaimen.client("POST", "/v1/me", made["token"], json={"avatar_url": url}), 400, "invalid_request")


def test_unknown_avatars_are_not_found(kaimen):
    for path in ("0" * 64, "0" * 63, "x" * 64, "..%2f..%2fetc%2fpasswd"):
        wire.problem(fetch(kaimen, f"/avatars/{path}"), 404, "not_found")


# What WeChat thinks


def name(kaimen, made, nickname):
    return kaimen.client("POST", "/v1/me", made["token"], json={"nickname": nickname})


def test_names_are_reported_or_held_back(kaimen, user):
    off = kaimen.login(user)
    assert name(kaimen, off, "risky off").status == 200 and not kaimen.calls("/wxa/msg_sec_check")
    report = kaimen.login(user, kaimen.add_app("wxreport0000000001", settings={"profile_check": "report"}))
    assert name(kaimen, report, "risky name").json()["nickname"] == "risky name"
    enforce = kaimen.login(user, kaimen.add_app("wxenforce000000001", settings={"profile_check": "enforce"}))
    wire.problem(name(kaimen, enforce, "risky name"), 400, "content_rejected")
    assert name(kaimen, enforce, "fine").json()["nickname"] == "fine"
    assert name(kaimen, enforce, "for review").json()["nickname"] == "for review"
    kaimen.faults(path="/wxa/msg_sec_check", drop=True)
    assert name(kaimen, report, "unasked").json()["nickname"] == "unasked"
    wire.problem(name(kaimen, enforce, "unasked"), 502, "upstream_error")
    assert kaimen.client("GET", "/v1/me", enforce["token"]).json()["nickname"] == "for review"


@pytest.fixture
def reachable(own_kaimen):
    """A server that knows its own address, and where WeChat's pushes arrive."""
    line = CountingLine("http://127.0.0.1:9")
    kaimen = own_kaimen(environment={"KAIMEN_PUBLIC_URL": f"http://{line.address}"})
    line.target = wire.address(kaimen.public)
    kaimen.base = f"http://{line.address}"

    def add(app, policy):
        kaimen.add_app(app, settings={"profile_check": policy}, push=PUSH)
        kaimen.control("POST", "/sandbox/apps", {"appid": app, "push_url": f"{kaimen.public}/push/wechat/{app}", "push_token": PUSH["token"], "push_key": PUSH["encoding_aes_key"]})
        return app

    kaimen.add_checked = add
    yield kaimen
    line.close()


def settle(kaimen, app):
    return kaimen.control("POST", "/sandbox/media-checks", {"appid": app})["items"]


def risky_png():
    return png((7, 7, 7))[:-12] + chunk(b"IDAT", b"risky") + chunk(b"IEND", b"")


def test_an_enforced_avatar_is_shown_when_it_has_passed(reachable, user):
    app = reachable.add_checked("wxenforce000000002", "enforce")
    made = reachable.login(user, app)
    me = lambda: reachable.client("GET", "/v1/me", made["token"]).json()["avatar_url"]
    first = upload(reachable, made, png((1, 2, 3)))
    assert first.status == 202 and first.json()["avatar_url"] == "" and me() == ""
    hidden = "/avatars/" + hashlib.sha256(png((1, 2, 3))).hexdigest()
    wire.problem(fetch(reachable, hidden), 404, "not_found")
    wire.problem(fetch(reachable, hidden + "?check=00"), 404, "not_found")
    assert [(item["fetched"], item["status"]) for item in settle(reachable, app)] == [(True, 200)]
    assert me() == reachable.base + hidden and fetch(reachable, hidden).status == 200
    # What has passed once need not be asked about again, by nobody.
    other = reachable.login(user + "2", app)
    assert upload(reachable, other, png((1, 2, 3))).status == 200
    # A rejected one leaves the user with the one before, and is not taken again.
    assert upload(reachable, made, risky_png()).status == 202
    settle(reachable, app)
    assert me() == reachable.base + hidden
    wire.problem(upload(reachable, made, risky_png()), 400, "content_rejected")
    wire.problem(reachable.client("POST", "/v1/me", made["token"], json={"avatar_url": "https://elsewhere.example/a.png"}), 400, "invalid_request")


def test_verdicts_come_by_themselves_where_the_sandbox_is_told_so(reachable, user):
    app = reachable.add_checked("wxenforce000000009", "enforce")
    reachable.control("POST", "/sandbox/apps", {"appid": app, "media_verdict_after_ms": 100})
    made = reachable.login(user, app)
    assert upload(reachable, made, png((9, 9, 9))).status == 202
    me = lambda: reachable.client("GET", "/v1/me", made["token"]).json()["avatar_url"]
    server.eventually(lambda: me().endswith(hashlib.sha256(png((9, 9, 9))).hexdigest()))
    assert settle(reachable, app) == [], "nothing is left to be ordered"


def test_of_two_that_wait_the_newest_counts(reachable, user):
    app = reachable.add_checked("wxenforce000000003", "enforce")
    made = reachable.login(user, app)
    upload(reachable, made, png((1, 0, 0)))
    upload(reachable, made, png((2, 0, 0)))
    assert len(settle(reachable, app)) == 2
    assert reachable.client("GET", "/v1/me", made["token"]).json()["avatar_url"].endswith(hashlib.sha256(png((2, 0, 0))).hexdigest())


def test_a_reported_avatar_is_shown_at_once(reachable, user):
    app = reachable.add_checked("wxreport0000000002", "report")
    made = reachable.login(user, app)
    answer = upload(reachable, made, risky_png())
    assert answer.status == 200 and fetch(reachable, "/avatars/" + answer.json()["avatar_url"].rsplit("/", 1)[1]).status == 200
    assert [item["status"] for item in settle(reachable, app)] == [200]
    assert reachable.client("GET", "/v1/me", made["token"]).json()["avatar_url"] == answer.json()["avatar_url"]
    reachable.faults(path="/wxa/media_check_async", errcode=-1)
    assert upload(reachable, made, png((5, 5, 5))).status == 200


def test_without_wechat_no_enforced_avatar_is_taken(reachable, user):
    made = reachable.login(user, reachable.add_checked("wxenforce000000004", "enforce"))
    reachable.faults(path="/wxa/media_check_async", errcode=-1)
    wire.problem(upload(reachable, made, png((1, 2, 3))), 503, "upstream_busy")
    assert reachable.client("GET", "/v1/me", made["token"]).json()["avatar_url"] == ""


def test_a_server_that_knows_no_address_says_so(kaimen, user):
    made = kaimen.login(user, kaimen.add_app("wxenforce000000005", settings={"profile_check": "enforce"}))
    wire.problem(upload(kaimen, made, png((1, 2, 3))), 503, "app_misconfigured")
