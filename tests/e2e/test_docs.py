"""The examples of these pages of docs/ run as they stand: every ```sh block, in order, in one shell for each page that ends at the first command that fails.

The first block names the addresses and the key of a server that somebody started; here they are those of the server under test.
"""
import pathlib
import re
import shutil
import subprocess

import pytest

import server

DOCS = pathlib.Path(__file__).parents[2] / "docs"
NAMES = re.compile(r"^(PUBLIC|PRIVATE|SANDBOX|APP|KEY|DATA)=", re.MULTILINE)


def blocks(page):
    return re.findall(r"^```sh\n(.*?)^```$", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL)


def shell(kaimen, text, directory):
    known = {"PUBLIC": kaimen.public, "PRIVATE": kaimen.private, "SANDBOX": kaimen.sandbox, "APP": kaimen.app_id, "KEY": kaimen.admin_key,
             "DATA": kaimen.data}
    # Each line is shown before it runs, so that a failure names the example.
    script = "set -euo pipefail\n" + "".join(f"{name}='{value}'\n" for name, value in known.items()) + 'kaimen() { "$KAIMEN" "$@"; }\nset -v\n' + text
    return subprocess.run(["bash"], input=script, capture_output=True, text=True, timeout=240, cwd=directory,
                          env=server.clean_environment({"KAIMEN": server.binary()}))


@pytest.mark.parametrize("page,names", [("api.md", 5), ("adopt.md", 6), ("providers.md", 6), ("entry-codes.md", 6)])
def test_every_example_of_the_page_runs(own_kaimen, tmp_path, page, names):
    kaimen = own_kaimen()
    assert shutil.which("jq") and shutil.which("curl")
    first, *others = blocks(page)
    assert len(NAMES.findall(first.replace(" ", "\n"))) == names, "the first block names addresses, app and key"
    assert others
    done = shell(kaimen, "\n".join(others), tmp_path)
    assert done.returncode == 0, done.stderr[-3000:] + "\n" + done.stdout[-2000:]


def test_an_example_that_fails_is_found(kaimen, tmp_path):
    assert shell(kaimen, 'curl -fsS $PUBLIC/v1/me -H "Authorization: Bearer km1.no"\n', tmp_path).returncode != 0
