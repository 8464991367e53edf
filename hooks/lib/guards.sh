# What is guarded, for the doors that ask by branch: the small files that Python wrote beside the hooks.

# Set cg_oid to what a full ref name points at; empty where there is no such ref.
cg_read_ref() {
	cg_oid=
	if [ -f "$cg_common/$1" ]; then
		IFS= read -r cg_oid <"$cg_common/$1" || :
	fi
	case $cg_oid in
	'' | *[!0-9a-f]*) cg_oid=$(git rev-parse --verify --quiet "$1" </dev/null 2>/dev/null) || cg_oid= ;;
	esac
}

# Whether policy, plans and scripts are in this commit as in that which the guards were made from.
cg_has_rules_of() {
	cg_line=
	[ ! -f "$cg_guards/same" ] || IFS= read -r cg_line <"$cg_guards/same" || :
	[ "$cg_line" != "$2" ] || return 0
	cg_old=$1
	cg_new=$2
	set --
	while IFS= read -r cg_line; do
		set -- "$@" "$cg_line"
	done <"$cg_guards/paths"
	[ $# -gt 0 ] && git diff-tree --quiet "$cg_old" "$cg_new" -- "$@" </dev/null 2>/dev/null || return 1
	cg_keep_same "$cg_new"
}

# Write down which commit left the rules as they are, so that nobody asks git again. A half-written one names none.
cg_keep_same() {
	{ printf '%s\n' "$1" >"$cg_guards/same"; } 2>/dev/null || :
}

# Set cg_guards to the folder that says what is guarded, cg_watched to the refs that may have the rules. Fails where the
# folder is missing, or is not of the rules of now: control-ref holds the commit that it was made from, then
# `<ref> <oid>` for each ref that may have them. A ref that moved and left the rules alone changes nothing, as an
# ordinary commit on the control branch does; nor does one that came to these very rules, as upstream does by a push.
cg_find_guards() {
	cg_watched=
	[ -f "$cg_common/conductor/control-ref" ] || return 1
	{
		IFS= read -r cg_made || return 1
		cg_guards=$cg_common/conductor/guards/$cg_made
		[ -n "$cg_made" ] && [ -f "$cg_guards/default" ] && [ -f "$cg_guards/paths" ] || return 1
		while read -r cg_ref cg_seen; do
			cg_watched="$cg_watched $cg_ref"
			cg_read_ref "$cg_ref"
			[ "$cg_oid" != "$cg_seen" ] && [ "$cg_oid" != "$cg_made" ] || continue
			[ -n "$cg_oid" ] || return 1
			cg_has_rules_of "$cg_made" "$cg_oid" || cg_has_rules_of "$cg_seen" "$cg_oid" || return 1
		done
	} <"$cg_common/conductor/control-ref"
}

# Set cg_led to the branch of the plan whose executor works on this one (full ref names): <agent>/<plan>-w<wave>-<name>.
# Fails where the name says nothing of the kind.
cg_find_led() {
	case $1 in
	refs/heads/*/*/*) return 1 ;;
	refs/heads/*/*-w[0-9]*-*) ;;
	*) return 1 ;;
	esac
	[ -f "$cg_guards/executors" ] || return 1
	while read -r cg_line cg_led; do
		case ${1##*/} in
		"$cg_line"-w[0-9]*-*) return 0 ;;
		esac
	done <"$cg_guards/executors"
	return 1
}

# Set cg_own to the guard file of the branch that is checked out, or being rebased, an executor's being its plan's; empty
# where it has none.
cg_find_own() {
	cg_own=
	cg_line=
	IFS= read -r cg_line <"$cg_git_dir/HEAD" || :
	case $cg_line in
	# What a repository with the reftable format shows to readers of files.
	'ref: refs/heads/.invalid') cg_head=$(git symbolic-ref --quiet HEAD </dev/null 2>/dev/null) || cg_head= ;;
	'ref: '*) cg_head=${cg_line#ref: } ;;
	*)
		cg_head=
		for cg_line in "$cg_git_dir/rebase-merge/head-name" "$cg_git_dir/rebase-apply/head-name"; do
			[ ! -f "$cg_line" ] || IFS= read -r cg_head <"$cg_line" || :
		done
		;;
	esac
	[ -n "$cg_head" ] || return 0
	[ -f "$cg_guards/$cg_head~" ] || ! cg_find_led "$cg_head" || cg_head=$cg_led
	[ ! -f "$cg_guards/$cg_head~" ] || cg_own=$cg_guards/$cg_head~
}
