#!/usr/bin/env bash
# Polls once and publishes into feeds/; for cron. If the last poll is still at work, or nothing is due, nothing happens.
# What it prints is what is wrong, which cron sends by mail. A lost store is rebuilt of what was published.
set -euo pipefail
cd "$(dirname "$0")"
PATH="$PWD/.venv/bin:$PATH"

mkdir -p var
exec 9>var/poll.lock
flock --nonblock 9 || exit 0

if [ ! -e var/aggregator.db ] && [ -e feeds/all ]; then
  echo "The store is missing: it is rebuilt of feeds/."
  aggregator rebuild
fi
aggregator fetch --quiet
