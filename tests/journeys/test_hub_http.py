"""A hub behind a real web server and git's own http-backend, set up with what `hub install --print http` prints."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from conductor_git.core.hooktext.servers import SERVERS
from tests.conftest import Git
from tests.forced import Shop
from tests.test_landings import put

pytestmark = [
    pytest.mark.journey,
    pytest.mark.skipif(not shutil.which("lighttpd", path=f"{os.environ['PATH']}:/usr/sbin"), reason="no lighttpd"),
]

_SERVER = """\
server.modules = ( "mod_alias", "mod_auth", "mod_authn_file", "mod_cgi", "mod_setenv" )
server.document-root = "{folder}"
server.bind = "127.0.0.1"
server.port = {port}
server.errorlog = "{folder}/errors"
"""


class Site:
    """A running server, and the repository that it shows."""

    def __init__(self, shop: Shop, port: int) -> None:
        self.shop, self.port = shop, port

    def push(self, login: str, *refspecs: str) -> tuple[int, str]:
        """Push as a login whose password is its name."""
        url = f"http://{login}:{login}@127.0.0.1:{self.port}/git/web.git"
        return self.shop.run("git", "push", url, *refspecs, env={"GIT_TERMINAL_PROMPT": "0"})


@pytest.fixture
def site(founded: Path, tmp_path: Path, git: Git) -> Iterator[Site]:
    shutil.copytree(founded / "shop", tmp_path / "shop", symlinks=True)
    shop, port = Shop(tmp_path, git), _free_port()
    git(tmp_path, "init", "-q", "--bare", "-b", "main", "srv/web.git")
    steps, _, conf = SERVERS["http"].partition("# 2. ")
    for line in steps.splitlines():
        if not line.startswith("#"):
            command = line.replace("/srv/git/REPO.git", f"{tmp_path}/srv/web.git").replace("LOGIN", "ada")
            assert shop.run("sh", "-c", command)[0] == 0, command
    conf = _SERVER.format(folder=tmp_path, port=port) + f"# {conf}".replace("/srv/git", f"{tmp_path}/srv")
    (tmp_path / "lighttpd.conf").write_text(conf)
    (tmp_path / "srv/htpasswd").write_text("".join(f"{name}:{_hashed(name)}\n" for name in ("ada", "bob", "eve")))
    program = shutil.which("lighttpd", path=f"{os.environ['PATH']}:/usr/sbin") or ""
    with subprocess.Popen([program, "-D", "-f", str(tmp_path / "lighttpd.conf")], stderr=subprocess.PIPE) as server:
        try:
            _wait(port, server)
            yield Site(shop, port)
        finally:
            server.terminate()


def _hashed(password: str) -> str:
    return subprocess.run(
        ["openssl", "passwd", "-apr1", password], capture_output=True, text=True, check=True
    ).stdout.strip()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(port: int, server: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        assert server.poll() is None, server.stderr.read() if server.stderr else b""
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("the server does not answer")


def test_who_pushes_is_who_logged_in(site: Site) -> None:
    shop = site.shop
    assert "this hub cannot judge: it has no policy yet" in site.push("bob", "main")[1]
    code, said = site.push("ada", "main")
    assert code == 0, said
    shop.claim()
    code, said = site.push("bob", "b2")
    assert (code, "remote: error: tree" in said, "[CG201]" in said) == (1, True, True)
    assert "[CG652]" in site.push("eve", "b2", shop.ledger("agent-2"))[1]
    code, said = site.push("bob", "b2", shop.ledger("agent-2"))
    assert code == 0, said
    assert "[CG656]" in site.push("bob", "b2:main")[1]
    put(shop, "docs/of-plan-3")
    assert "[CG402]" in site.push("bob", "b2")[1]
    assert "Authentication failed" in site.push("mallory", "b2")[1]
