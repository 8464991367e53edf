#!/bin/sh
# Plan 2: every test; explanations are no excuse for another answer.
set -eu
. "${0%/*}/tap.sh"
verify educational tests/*.sh tests/*/*.sh
