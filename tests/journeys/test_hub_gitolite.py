"""A hub below real gitolite, set up with what `hub install --print gitolite` prints; sshd's part is played."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from conductor_git.core.hooktext.servers import SERVERS
from tests.conftest import Git
from tests.forced import Shop
from tests.test_landings import put

pytestmark = [pytest.mark.journey, pytest.mark.skipif(not shutil.which("gitolite"), reason="no gitolite3")]

# What sshd runs for a key that gitolite wrote into authorized_keys: command="…/gitolite-shell LOGIN".
_SSHD = """\
#!/bin/sh
login=$1
shift 2
exec env -i PATH="$PATH" HOME='{home}' SSH_CONNECTION='127.0.0.1 1 127.0.0.1 22' SSH_ORIGINAL_COMMAND="$*" \
    {shell} "$login"
"""


class Site:
    """gitolite's home, and a clone that pushes to its repository `REPO`."""

    def __init__(self, shop: Shop, home: Path) -> None:
        self.shop, self.home = shop, home
        self.sshd = home / "sshd"
        place = subprocess.run(["gitolite", "query-rc", "GL_BINDIR"], capture_output=True, text=True, check=False,
                               env={**os.environ, "HOME": str(home)}).stdout.strip()  # fmt: skip
        self.sshd.write_text(_SSHD.format(home=home, shell=f"{place or '/usr/share/gitolite3'}/gitolite-shell"))
        self.sshd.chmod(0o755)

    def push(self, login: str, *refspecs: str) -> tuple[int, str]:
        """Push with the key of a login."""
        env = {"GIT_SSH_COMMAND": f"'{self.sshd}' '{login}'", "GIT_SSH_VARIANT": "simple"}
        return self.shop.run("git", "push", "ssh://hub/REPO", *refspecs, env=env)


@pytest.fixture
def site(founded: Path, tmp_path: Path, git: Git) -> Site:
    shutil.copytree(founded / "shop", tmp_path / "shop", symlinks=True)
    shop, home = Shop(tmp_path, git), tmp_path / "gitolite"
    home.mkdir()
    env = {"HOME": str(home)}
    assert shop.run("gitolite", "setup", "-a", "ada", env=env)[0] == 0
    command, *rules = (line for line in SERVERS["gitolite"].splitlines() if line and not line.startswith("#"))
    with (home / ".gitolite/conf/gitolite.conf").open("a") as file:
        file.write("\n".join(["", *rules, ""]))
    for step in ("gitolite compile", "gitolite trigger POST_COMPILE", command.replace("LOGIN", "ada")):
        code, said = shop.run("sh", "-c", step, env=env)
        assert code == 0, said
    return Site(shop, home)


def test_gitolite_says_who_comes_in_and_the_hub_what(site: Site) -> None:
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
    put(shop, "docs/of-plan-3")
    assert "[CG402]" in site.push("bob", "b2")[1]
    # gitolite puts its own hooks in place again and again: ours stays.
    assert shop.run("gitolite", "setup", "--hooks-only", env={"HOME": str(site.home)})[0] == 0
    assert "[CG402]" in site.push("bob", "b2")[1]
    # Whoever comes in another way than through gitolite is nobody.
    said = shop.run("git", "push", str(site.home / "repositories/REPO.git"), "main:refs/heads/x")[1]
    assert "nobody is named as the pusher: 'GL_USER' is empty [CG651]" in said
