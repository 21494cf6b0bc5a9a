#!/bin/sh
# What the pipeline runs beside the stack.
set -eu
curl --fail --silent --show-error "$NEXUS_OUT_URL/" | grep -q '<title>ci</title>'
echo "the site answers at $NEXUS_OUT_URL"
