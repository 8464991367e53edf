# Whether a line may be a claim or look like one. Included into the hook files; no process is started.

# As many bytes as 128 characters can have: Python looks at no more of a line that is no claim.
conductor_bytes='????????????????????????????????????????????????????????????????'
conductor_bytes=$conductor_bytes$conductor_bytes$conductor_bytes$conductor_bytes
conductor_bytes=$conductor_bytes$conductor_bytes

# 0 where Python must read the line, 1 where it is surely ordinary. `conductor_git.core.messages.nearclaim` has the rule.
conductor_suspect() {
	conductor_locale=${LC_ALL-} conductor_had=${LC_ALL+yes} conductor_verdict=0
	# Bytes, not characters: a line need not be valid in any locale.
	LC_ALL=C
	conductor_may_claim "$1" || conductor_has_type "$1" || conductor_verdict=1
	LC_ALL=$conductor_locale
	[ -n "$conductor_had" ] || unset LC_ALL
	return $conductor_verdict
}

conductor_may_claim() {
	case $1 in
	[Ww][Aa][Vv][Ee]* | [Pp][Ll][Aa][Nn]*) ;;
	[Cc][Oo][Mm][Pp][Ll][Ee][Tt][Ee]* | [Dd][Oo][Nn][Ee]* | [Ff][Ii][Nn][Ii][Ss][Hh]*) ;;
	[0-9A-Za-z]* | '▶ PLAN '*) return 1 ;;
	esac
	# Longer than any subject, and begins with a mark or one of our words.
	case $1 in
	$conductor_bytes*) return 0 ;;
	esac
	case $1 in
	*[Ww][Aa][Vv][Ee]* | *[Pp][Ll][Aa][Nn]*) conductor_says_done "$1" ;;
	*) conductor_is_disguised "$1" ;;
	esac
}

# Whether a claim may follow a type, as in 'chore(parser): ✅ Wave 3 Complete': a tick at least is there then.
conductor_has_type() {
	case $1 in
	[A-Za-z]*:*✅* | [A-Za-z]*:*✔* | [A-Za-z]*:*☑* | [A-Za-z]*:*✓* | [A-Za-z]*:*🗸* | [A-Za-z]*:*🗹* | [A-Za-z]*:*√*) ;;
	[A-Za-z]*:*'[x]'* | [A-Za-z]*:*'[X]'* | [A-Za-z]*:*:*[Cc][Hh][Ee][Cc][Kk]*:*) ;;
	*) return 1 ;;
	esac
	conductor_rest=${1#*:}
	conductor_may_claim "${conductor_rest#"${conductor_rest%%[! 	]*}"}"
}

conductor_says_done() {
	case $1 in
	*✅* | *✔* | *☑* | *✓* | *🗸* | *🗹* | *√* | *'[x]'* | *'[X]'* | *:*[Cc][Hh][Ee][Cc][Kk]*:*) ;;
	*[Cc][Oo][Mm][Pp][Ll][Ee][Tt][Ee]* | *[Dd][Oo][Nn][Ee]* | *[Ff][Ii][Nn][Ii][Ss][Hh]*) ;;
	*) return 1 ;;
	esac
}

# Whether a tick begins the line and a word follows that may look like 'Wave' or 'Plan' without being it.
conductor_is_disguised() {
	conductor_rest=${1#"${1%%[! 	]*}"}
	case $conductor_rest in
	✅*) conductor_rest=${conductor_rest#✅} ;;
	✔*) conductor_rest=${conductor_rest#✔} ;;
	☑*) conductor_rest=${conductor_rest#☑} ;;
	✓*) conductor_rest=${conductor_rest#✓} ;;
	🗸*) conductor_rest=${conductor_rest#🗸} ;;
	🗹*) conductor_rest=${conductor_rest#🗹} ;;
	√*) conductor_rest=${conductor_rest#√} ;;
	:white_check_mark:*) conductor_rest=${conductor_rest#:white_check_mark:} ;;
	*) return 1 ;;
	esac
	# The variation selectors U+FE0E and U+FE0F, which show nothing, stand between the quotes.
	conductor_rest=${conductor_rest#'︎'}
	conductor_rest=${conductor_rest#'️'}
	conductor_rest=${conductor_rest#"${conductor_rest%%[! 	]*}"}
	# [! -~] is a control character or a byte of a character beyond ASCII.
	case $conductor_rest in
	[Ww][!\ -~]* | [Ww][Aa][!\ -~]* | [Ww][Aa][Vv][!\ -~]*) ;;
	[Pp][!\ -~]* | [Pp][Ll][!\ -~]* | [Pp][Ll][Aa][!\ -~]*) ;;
	Ｗ* | ｗ* | Ԝ* | ԝ* | Ｐ* | ｐ*) ;;
	# A Cyrillic or Greek word: the bytes that begin its second letter begin nothing that looks like an 'l'.
	Р[аяαω]* | р[аяαω]* | Ρ[аяαω]* | ρ[аяαω]*) return 1 ;;
	Р* | р* | Ρ* | ρ*) ;;
	*) return 1 ;;
	esac
}
