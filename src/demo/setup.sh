#!/bin/sh
# Installs the project's dependencies when they are missing or out of date; otherwise silent and
# done in a few milliseconds. `npm start` and `npm test` run it first. It uses nothing but POSIX sh
# and npm, because on a fresh machine nothing else is there; `node` after it is the pinned release
# in node_modules/.bin, which npm puts first in PATH.
#
# It leaves etcd itself to src/demo/etcd-binary.ts.
#
# The install is `npm install --no-save`, not `npm ci`: it takes the same versions and hashes from
# the lockfile, but `npm ci` refuses when the lockfile lacks the binaries for other platforms, which
# a registry that mirrors only some of them cannot name. What else `npm ci` gives, a clean folder,
# is done here.
set -u
cd "$(dirname "$0")/../.." || exit 1

log=.cache/setup.log
stamp=node_modules/.etcd-lb-lockfile

fail() {
  printf 'etcd-lb: %s\n' "$1" >&2
  exit 1
}

# npm writes node_modules/.package-lock.json last, so without it an install was interrupted.
# The stamp holds the lockfile that was installed; somebody's own `npm install` changes the lockfile
# and leaves an old stamp, but then npm's file is the newer one.
installed() {
  [ -f node_modules/.package-lock.json ] && [ -x node_modules/.bin/node ] || return 1
  [ "$(cksum <package-lock.json)" = "$(cat "$stamp" 2>/dev/null)" ] && return 0
  [ -z "$(find package-lock.json -newer node_modules/.package-lock.json)" ] || return 1
  cksum <package-lock.json >"$stamp"
}

installed && exit 0

# The old pinned node is about to be deleted: npm must run on the machine's own.
PATH=$(printf '%s' "$PATH" | tr ':' '\n' | grep -v '/node_modules/\.bin/*$' | paste -sd: -)

command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1 ||
  fail 'Node.js and npm are missing: install Node.js 20 or later (it brings npm) and try again.'

mkdir -p .cache || fail "cannot write in $PWD: make it writable for $(id -un)."

# Two set-ups at once (npm start and npm test) take turns; the second finds everything installed.
if command -v flock >/dev/null 2>&1; then
  exec 9>.cache/setup.lock
  flock -n 9 || {
    printf 'etcd-lb: waiting for another set-up of this folder ...\n' >&2
    flock 9
  }
  installed && exit 0
fi

printf 'etcd-lb: installing dependencies (about 180 MB to download, a minute) ...\n' >&2

# npm runs in the foreground, so that Ctrl-C reaches it; this loop reports the progress.
(
  ticks=0
  while sleep 1 >/dev/null 2>&1 9>&- && kill -0 $$ 2>/dev/null; do
    ticks=$((ticks + 1))
    size=$(du -sm node_modules 2>/dev/null | cut -f1)
    if [ -t 2 ]; then
      printf '\retcd-lb: %s MB of about 460 installed, %s s ' "${size:-0}" "$ticks" >&2
    elif [ $((ticks % 5)) -eq 0 ]; then
      printf 'etcd-lb: %s MB of about 460 installed, %s s\n' "${size:-0}" "$ticks" >&2
    fi
  done
) 9>&- &
ticker=$!

finish() {
  kill "$ticker" 2>/dev/null
  wait "$ticker" 2>/dev/null
  [ -t 2 ] && printf '\r\033[K' >&2
}
trap 'finish; exit 130' INT
trap 'finish; exit 143' TERM

rm -rf node_modules
npm install --no-save --no-audit --no-fund >"$log" 2>&1
status=$?
finish

[ "$status" -eq 0 ] ||
  fail "npm could not install the dependencies: see $PWD/$log, fix what its last lines name, and try again."
[ -x node_modules/.bin/node ] ||
  fail 'npm skipped the install script of the node package: run "npm config delete ignore-scripts" and try again.'
cksum <package-lock.json >"$stamp"
printf 'etcd-lb: dependencies installed.\n' >&2
