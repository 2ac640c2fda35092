"""The package as its user meets it: on a machine that has nginx and not the module, `apt install ./libnginx-mod-http-kaimen_*.deb`, three lines of
configuration, and the site is protected. The machine is this one under an overlay, so that nothing of it changes."""
import glob
import os
import subprocess

import front
import pytest

MACHINE = """set -e
mount -t tmpfs tmpfs {work}
mkdir {work}/upper {work}/work {work}/root
mount -t overlay overlay -o lowerdir=/,upperdir={work}/upper,workdir={work}/work {work}/root
mount --rbind /dev {work}/root/dev
mount -t proc proc {work}/root/proc
mkdir -p {work}/root/{shared}
mount --bind {shared} {work}/root/{shared}
chroot {work}/root rm -rf /etc/nginx/modules-enabled /etc/nginx/sites-enabled
chroot {work}/root mkdir -p /etc/nginx/modules-enabled
cp {package} {work}/root/package.deb
chroot {work}/root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq /package.deb
cp {shared}/site.conf {work}/root/etc/nginx/conf.d/site.conf
exec chroot {work}/root nginx -g 'daemon off;' -e /dev/stderr
"""
SITE = """kaimen_state {state};
server {{
    listen 127.0.0.1:{port};
    location /api/ {{
        kaimen on;
        proxy_pass http://{backend}/;
    }}
}}
"""


def may_mount(directory):
    (directory / "t").mkdir()
    return os.geteuid() == 0 and subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", directory / "t"], capture_output=True).returncode == 0


def test_three_lines_protect_a_site(tmp_path):
    if not may_mount(tmp_path):
        pytest.skip("making an overlay needs root and the right to mount")
    packages = sorted(glob.glob(os.environ["KAIMEN_NGINX_PACKAGE"]))
    assert packages, "script/package-nginx builds it"
    shared, work = tmp_path / "shared", tmp_path / "overlay"
    shared.mkdir(), work.mkdir()
    site = front.Site(shared)
    try:
        port = front.free_port()
        (shared / "site.conf").write_text(SITE.format(state=site.state, port=port, backend=site.backend.address))
        (tmp_path / "machine").write_text(MACHINE.format(work=work, shared=shared, package=packages[-1]))
        nginx = front.Front(["unshare", "-m", "bash", tmp_path / "machine"], port, tmp_path / "log", seconds=120)
        try:
            front.assert_same_answers(site, nginx, front.Tickets(site))
        finally:
            nginx.stop()
    finally:
        site.stop()
