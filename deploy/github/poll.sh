#!/usr/bin/env bash
# Polls once, publishes, and commits what was published to a branch. It runs the same by hand as in a pipeline:
#   ./poll.sh
# The store (var/) may come from a cache: if it is gone, or older than what was published, it is rebuilt of that, so
# that ids and dates stay. REMOTE is where the branch is kept (default: origin), BRANCH its name (default: published).
set -euo pipefail
cd "$(dirname "$0")"
remote=${REMOTE:-origin}
branch=${BRANCH:-published}
store=var/aggregator.db
base=var/published  # which commit the store belongs to

mkdir -p feeds var
# An index of its own: neither the branch that is checked out nor its files are touched.
export GIT_INDEX_FILE="$PWD/var/published.index"
rm -f "$GIT_INDEX_FILE"
git_dir=$(git rev-parse --absolute-git-dir)
published() { git -C feeds --git-dir="$git_dir" --work-tree=. "$@"; }

# 2 says that there is no such branch yet. Anything else than 0 is a failure, after which nothing may be assumed.
found=0
git ls-remote --exit-code --heads "$remote" "refs/heads/$branch" >/dev/null || found=$?
head=
if [ "$found" = 0 ]; then
  git fetch --quiet --depth=1 "$remote" "refs/heads/$branch"
  head=$(git rev-parse FETCH_HEAD)
  published read-tree "$head"
  published checkout-index --all --force
elif [ "$found" != 2 ]; then
  echo "The branch $branch of the remote could not be looked up (git ls-remote: $found)." >&2
  exit 1
fi

if [ -n "$head" ] && [ "$(cat "$base" 2>/dev/null)" != "$head" ]; then
  echo "The store is missing, or older than what was published: it is rebuilt."
  rm -f "$store" "$store"-wal "$store"-shm
  aggregator rebuild
fi
rm -f "$base"  # if what follows fails, the store is ahead of what was published, and is not used again
aggregator fetch

published add --all --force .
changed=false
# status.html has the time of each poll, which alone is not worth a commit and a deployment.
if [ -z "$head" ] || ! published diff --cached --quiet "$head" -- . ':!status.html'; then
  changed=true
  tree=$(git write-tree)
  head=$(GIT_AUTHOR_NAME=aggregator GIT_AUTHOR_EMAIL=aggregator@localhost \
    GIT_COMMITTER_NAME=aggregator GIT_COMMITTER_EMAIL=aggregator@localhost \
    git commit-tree "$tree" ${head:+-p "$head"} -m "Published")
  # Never forced: if another run was first, this one fails and its store is not kept.
  git push --quiet "$remote" "$head:refs/heads/$branch"
fi
rm -f "$GIT_INDEX_FILE"
echo "$head" >"$base"
echo "changed=$changed" | tee -a "${GITHUB_OUTPUT:-/dev/null}"
