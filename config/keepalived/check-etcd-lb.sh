#!/bin/sh
# May this host hold the virtual address, by its etcd-lb? For vrrp_script of keepalived.conf, or by hand:
#
#   check-etcd-lb.sh [HOST:PORT of --observe, default 127.0.0.1:9379]
#
#   0  ready
#   1  it runs, but no member is healthy, or it is stopping: another host may do better
#   2  nobody answers: the process is gone, or hangs
#   3  neither curl nor wget is here to ask with
#
# One line on stdout says which. Answers within 2 s.
set -u

observe=${1:-127.0.0.1:9379}
url="http://$observe/readyz"

if command -v curl >/dev/null 2>&1; then
  # The last line is the status code; 000 when there was no answer.
  answer=$(curl --silent --noproxy '*' --max-time 2 --write-out '\n%{http_code}' "$url")
  code=$(printf '%s\n' "$answer" | tail -n 1)
  why=$(printf '%s\n' "$answer" | head -n 1)
elif command -v wget >/dev/null 2>&1; then
  # The status code stands in the headers, which come on stderr.
  answer=$(wget --quiet --no-proxy --tries=1 --timeout=2 --server-response \
    --content-on-error --output-document=- "$url" 2>&1)
  code=$(printf '%s\n' "$answer" | sed -n 's|^ *HTTP/[0-9.]* \([0-9]*\).*|\1|p' | tail -n 1)
  why=$(printf '%s\n' "$answer" | tail -n 1)
else
  echo "neither curl nor wget is here to ask etcd-lb with"
  exit 3
fi

case $code in
200)
  echo "etcd-lb is ready"
  exit 0
  ;;
503)
  echo "etcd-lb is not ready: $why"
  exit 1
  ;;
*)
  echo "nobody answers at $url"
  exit 2
  ;;
esac
