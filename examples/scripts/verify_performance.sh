#!/bin/sh
# Plan 1: every test, and the benchmarks with their numbers.
set -eu
. "${0%/*}/tap.sh"
verify performance tests/*.sh tests/*/*.sh bench/*.sh
