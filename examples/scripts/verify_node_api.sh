#!/bin/sh
# Plan 4: the core's tests, and those of the Node package.
set -eu
. "${0%/*}/tap.sh"
verify 'node api' tests/*.sh tests/node/*.sh
