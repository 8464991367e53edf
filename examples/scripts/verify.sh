#!/bin/sh
# For plans that name no script of their own: every test.
set -eu
. "${0%/*}/tap.sh"
verify 'all tests' tests/*.sh tests/*/*.sh
