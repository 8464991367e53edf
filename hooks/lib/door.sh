# What every door does the same way: find the git directory, run the user's own hook, start Python. Included into the
# hook file at install time. Built-ins only, so that an ordinary commit costs about a millisecond.

# Written at install time. Empty in a hook file that is part of the tree: such a file goes by PATH.
cg_python=@python@
cg_package=@package@
# Set where the hooks folder serves other repositories too: those without our folder are none of our business.
cg_shared=@shared@

# Leave with the door's verdict. `conductor-git doctor` probes with CONDUCTOR_PROBE, and then no verdict is a pass:
# the variable can show that a door stands, never open it.
cg_end() {
	[ -z "${CONDUCTOR_PROBE-}" ] || exit $((80 + $1))
	exit "$1"
}

# The hook that stood here before ours: same arguments, same stdin, same environment, and its refusal stands.
cg_run_kept() {
	[ -z "${CONDUCTOR_PROBE-}" ] || return 0
	case $0 in
	# Kept by mistake, as when two repositories that share a hooks folder install at once: ours would call itself.
	*.kept-by-conductor*) return 0 ;;
	*/*) cg_kept=${0%/*}/$cg_door.kept-by-conductor ;;
	*) cg_kept=./$cg_door.kept-by-conductor ;;
	esac
	[ ! -x "$cg_kept" ] || "$cg_kept" "$@" || cg_end $?
}

# Set cg_git_dir and cg_common, as git would. Hooks start at the top of the working tree or in the git directory, and
# git sets GIT_DIR only for linked worktrees and where it was told.
cg_find_git() {
	# Under `git --literal-pathspecs` (and its like) our pathspecs would be plain names.
	unset GIT_LITERAL_PATHSPECS GIT_GLOB_PATHSPECS GIT_NOGLOB_PATHSPECS GIT_ICASE_PATHSPECS
	cg_git_dir=${GIT_DIR-}
	if [ -z "$cg_git_dir" ]; then
		if [ -d .git ]; then
			cg_git_dir=.git
		elif [ -f .git ]; then
			IFS= read -r cg_line <.git || :
			cg_git_dir=${cg_line#gitdir: }
		else
			cg_git_dir=.
		fi
	fi
	cg_common=${GIT_COMMON_DIR-}
	if [ -z "$cg_common" ]; then
		cg_common=$cg_git_dir
		if [ -f "$cg_git_dir/commondir" ]; then
			IFS= read -r cg_line <"$cg_git_dir/commondir" || :
			case $cg_line in
			/* | ?:*) cg_common=$cg_line ;;
			*) cg_common=$cg_git_dir/$cg_line ;;
			esac
		fi
	fi
	[ -z "$cg_shared" ] || [ -d "$cg_common/conductor" ] || cg_end 0
}

# Let Python judge; its verdict is the door's. Where it cannot be started the door stays shut.
cg_judge() {
	unset PYTHONPATH PYTHONHOME
	if [ -x "$cg_python" ] && [ -f "$cg_package/doors/__init__.py" ]; then
		[ -z "${CONDUCTOR_PROBE-}" ] || printf '%s\n' "conductor-git: $cg_door asks '$cg_python'" >&2
		# -P: a module of the working tree must not stand in for one of ours. -c costs less than -m.
		"$cg_python" -P -c 'from conductor_git.doors import leave; leave()' "$cg_door" "$@"
		cg_end $?
	fi
	if command -v conductor-git-hook >/dev/null 2>&1; then
		[ -z "${CONDUCTOR_PROBE-}" ] || echo "conductor-git: $cg_door asks 'conductor-git-hook'" >&2
		cg_code=0
		conductor-git-hook "$cg_door" "$@" || cg_code=$?
		# 126 and 127: it is there and could not be started, as when its own interpreter is gone.
		case $cg_code in
		126 | 127) ;;
		*) cg_end $cg_code ;;
		esac
	fi
	cg_cannot_start
}

cg_cannot_start() {
	case $cg_door in
	pre-merge-commit) cg_left='the merge is not committed' ;;
	reference-transaction) cg_left='no branch was moved' ;;
	pre-push) cg_left='nothing was pushed' ;;
	pre-receive) cg_left='nothing of this push was taken' ;;
	*) cg_left='nothing was committed' ;;
	esac
	cg_way_out=install
	[ "$cg_door" != pre-receive ] || cg_way_out='doctor --fix    # in the hub, by whoever runs it'
	{
		echo "error: '$cg_door' must judge this, and conductor-git cannot be started; $cg_left [CG711]"
		[ -z "$cg_python" ] || printf '%s\n' "       '$cg_python' does not have it any more"
		echo "       'conductor-git-hook' is not on PATH, or does not start"
		echo "hint: pip install conductor-git && conductor-git $cg_way_out"
	} >&2
	cg_end 2
}
