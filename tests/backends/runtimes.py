"""Each helper of sdk/backend in a small application of its framework: how it is built and how it is started. Nothing is left out where a
runtime is missing: script/setup installs them all."""
import os
import pathlib
import shutil
import subprocess
import sys

import npm
import server

HERE = pathlib.Path(__file__).parent
SDK = HERE.parents[1] / "sdk" / "backend"
JARS = ["servlet-api.jar", *(f"jetty9-{part}.jar" for part in ("server", "servlet", "http", "io", "util", "security", "util-ajax"))]
CLASS_PATH = ":".join(f"/usr/share/java/{jar}" for jar in JARS)


def program(name, *more_places):
    found = shutil.which(name, path=os.pathsep.join([os.environ["PATH"], *more_places]))
    assert found, f"{name} is not installed: script/setup"
    return found


def built(name, sources, command, environment=None):
    """A directory of the build tree where `command` has made something of `sources` ({name there: file here})."""
    target = pathlib.Path(server.binary()).parent / "backends" / name
    for there, here in sources.items():
        (target / there).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(here, target / there)
    done = subprocess.run(command, cwd=target, env={**os.environ, **(environment or {})}, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return target


def of_node(file):
    def command(port, url):
        environment = {"NODE_PATH": str(npm.install(HERE) / "node_modules")}
        return [npm.node(), str(HERE / file), str(SDK), str(port), url], environment
    return command


def of_python(kind):
    return lambda port, url: ([sys.executable, str(HERE / "python_app.py"), kind, str(SDK), str(port), url], {})


def of_go(port, url):
    cache = pathlib.Path(server.binary()).parent / "backends" / "go-cache"
    made = built("go", {"kaimen/kaimen.go": SDK / "go" / "kaimen.go", "main.go": HERE / "main.go", "go.mod": HERE / "sample.mod"},
                 [program("go", "/usr/local/go/bin"), "build", "-o", "sample", "."],
                 {"GOPROXY": "off", "GOFLAGS": "-mod=mod", "CGO_ENABLED": "0", "GOCACHE": str(cache), "GOTOOLCHAIN": "local"})
    return [str(made / "sample"), str(port), url], {}


def of_java(port, url):
    made = built("java", {"KaimenFilter.java": SDK / "java" / "KaimenFilter.java", "Sample.java": HERE / "Sample.java"},
                 [program("javac"), "-Xlint:all", "-Werror", "-cp", CLASS_PATH, "KaimenFilter.java", "Sample.java"])
    return [program("java"), "-cp", f"{made}:{CLASS_PATH}", "-Dorg.eclipse.jetty.LEVEL=WARN", "Sample", str(port), url], {}


def of_php(port, url):
    return [program("php"), "-S", f"127.0.0.1:{port}", str(HERE / "page.php")], {"KAIMEN_TEST_SDK": str(SDK), "KAIMEN_TEST_URL": url}


ALL = {"express": of_node("express.js"), "fastify": of_node("fastify.js"), "asgi": of_python("asgi"), "wsgi": of_python("wsgi"), "go": of_go,
       "java": of_java, "php": of_php}
