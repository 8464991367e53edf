#!/bin/sh
# Plan 3: the core's tests, and those of the Python package.
set -eu
. "${0%/*}/tap.sh"
verify 'python api' tests/*.sh tests/python/*.sh
