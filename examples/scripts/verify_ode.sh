#!/bin/sh
# Plan 7: the core's tests, and every equation that is solved.
set -eu
. "${0%/*}/tap.sh"
verify ode tests/*.sh tests/ode/*.sh
