# Sourced by the verify scripts: runs tests that speak TAP (https://testanything.org) and leaves what they said where
# conductor-git looks for it.
#
#   ok 1 - x + x is 2x          a test that passed; `# SKIP why` after it makes it a skipped one
#   not ok 2 - 0 * x is 0       a test that failed
#   # metric bench.expand 812   a number that criteria can speak of

# verify SUITE FILE...: exit code 0 where there were tests and none failed.
verify() {
    suite=$1
    shift
    results=${CONDUCTOR_RESULTS:-$(mktemp -d)}
    for file in "$@"; do
        test -f "$file" || continue # a pattern that matched nothing
        echo "# file $file"
        sh "$file" || echo "not ok - it ended with exit code $?"
    done >"$results/tap.txt"
    cat "$results/tap.txt"
    awk -v suite="$suite" -v results="$results" '
        function xml(text) {
            gsub(/&/, "\\&amp;", text); gsub(/</, "\\&lt;", text); gsub(/"/, "\\&quot;", text)
            gsub(/[[:cntrl:]]/, "?", text)
            return text
        }
        /^# file / { file = substr($0, 8) }
        /^# metric [A-Za-z0-9_.-]+ -?[0-9]+(\.[0-9]+)?$/ { metrics = metrics separator "\"" $3 "\": " $4; separator = ", " }
        /^(not )?ok( |$)/ {
            name = $0
            sub(/^(not )?ok *[0-9]* *-? */, "", name)
            inside = ""
            if (name ~ /# *SKIP/) { inside = "<skipped/>"; skipped++ }
            else if (/^not /) { inside = "<failure/>"; failed++ }
            total++
            cases = cases "<testcase classname=\"" xml(file) "\" name=\"" xml(name) "\">" inside "</testcase>\n"
        }
        END {
            printf "<testsuite name=\"%s\" tests=\"%d\" failures=\"%d\" skipped=\"%d\">\n%s</testsuite>\n", \
                xml(suite), total, failed, skipped, cases > (results "/junit.xml")
            print "{" metrics "}" > (results "/metrics.json")
            printf "%s: %d tests, %d failed, %d skipped\n", suite, total, failed, skipped
            exit(failed || total == skipped ? 1 : 0)
        }' "$results/tap.txt"
}
