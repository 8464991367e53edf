"""What to put where on a server so that its repositories become hubs."""

from __future__ import annotations

_GITOLITE = """\
# 1. On the server, as gitolite's own user, once for each repository. gitolite keeps the hook: its own one is 'update'.
conductor-git -C ~/repositories/REPO.git hub install --identity GL_USER --conductor LOGIN

# 2. In gitolite-admin/conf/gitolite.conf. The hub judges who moves what; gitolite says who comes in, and must let
#    branches go back that the hub lets go back (a rebase of a plan's branch), and ledgers be made.
repo REPO
    RW+     =   @all

# 3. Whoever has the conductor's login pushes first: the policy, with [people] in it.
"""

_HTTP = """\
# 1. As the user that the web server runs git as:
conductor-git -C /srv/git/REPO.git hub install --identity REMOTE_USER --conductor LOGIN
git -C /srv/git/REPO.git config http.receivepack true

# 2. lighttpd (mod_alias, mod_auth, mod_authn_file, mod_cgi, mod_setenv); any server that sets REMOTE_USER will do.
alias.url = ( "/git" => "/usr/lib/git-core/git-http-backend" )
$HTTP["url"] =~ "^/git/" {
    cgi.assign = ( "" => "" )
    setenv.set-environment = ( "GIT_PROJECT_ROOT" => "/srv/git", "GIT_HTTP_EXPORT_ALL" => "" )
    auth.backend = "htpasswd"
    auth.backend.htpasswd.userfile = "/srv/git/htpasswd"
    auth.require = ( "" => ( "method" => "basic", "realm" => "git", "require" => "valid-user" ) )
}
"""

_SSH = """\
# 1. As the user that owns the repository:
conductor-git -C /srv/git/REPO.git hub install --identity SHOP_USER --conductor LOGIN

# 2. In that user's ~/.ssh/authorized_keys, one line for each key. Nothing that a client sends may set SHOP_USER
#    (sshd_config, AcceptEnv).
command="env SHOP_USER=LOGIN git-shell -c \\"$SSH_ORIGINAL_COMMAND\\"",restrict ssh-ed25519 AAAA…
"""

SERVERS = {"gitolite": _GITOLITE.rstrip("\n"), "http": _HTTP.rstrip("\n"), "ssh": _SSH.rstrip("\n")}
