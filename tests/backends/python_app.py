"""python3 python_app.py asgi|wsgi SDK PORT URL"""
import dataclasses
import json
import os
import socketserver
import sys
import wsgiref.simple_server

kind, sdk, port, url = sys.argv[1:]
sys.path.insert(0, sdk + "/python")
import kaimen

GIVEN = {"url": url, "key": os.environ.get("KAIMEN_TEST_KEY"), "ticket_headers": ["X-My-Ticket"]}
CHECKS = {"/plain": {}, "/optional": {"optional": True}, "/editor": {"role": "editor"}}


def page(identity, headers):
    return json.dumps({"identity": dataclasses.asdict(identity) if identity else None, "headers": headers}).encode()


async def asgi_page(scope, receive, send):
    headers = {name.decode(): value.decode() for name, value in scope["headers"]}
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": page(scope["kaimen"], headers)})


def wsgi_page(environ, start_response):
    identity = environ["kaimen"]
    assert environ.get("REMOTE_USER") == (identity.user if identity else None)
    start_response("200 OK", [("Content-Type", "application/json")])
    return [page(identity, {name[5:].replace("_", "-"): value for name, value in environ.items() if name.startswith("HTTP_")})]


if kind == "asgi":
    import uvicorn

    pages = {path: kaimen.ASGI(asgi_page, check=check, **GIVEN) for path, check in CHECKS.items()}

    async def application(scope, receive, send):
        await pages[scope["path"]](scope, receive, send)

    uvicorn.run(application, host="127.0.0.1", port=int(port), log_level="warning", lifespan="off")
else:
    pages = {path: kaimen.WSGI(wsgi_page, check=check, **GIVEN) for path, check in CHECKS.items()}

    class Server(socketserver.ThreadingMixIn, wsgiref.simple_server.WSGIServer):
        daemon_threads = True

    class Quiet(wsgiref.simple_server.WSGIRequestHandler):
        def log_message(self, *_):
            pass

    application = lambda environ, start_response: pages[environ["PATH_INFO"]](environ, start_response)
    wsgiref.simple_server.make_server("127.0.0.1", int(port), application, Server, Quiet).serve_forever()
