#!/usr/bin/env bash
# Starts a PostgreSQL server of its own on loopback, runs a command with its URL in NIGHTLY_POSTGRES, stops it.
# usage: postgres.sh COMMAND...; needs Debian's package `postgresql`.
set -euo pipefail
bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
folder=$(mktemp -d)
as_user=()
if [ "$(id -u)" = 0 ]; then # the server does not run as root
  as_user=(runuser -u postgres --)
  chown postgres "$folder"
fi
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
password=hunter2-in-tests
printf '%s\n' "$password" >"$folder/password" && chmod 644 "$folder/password"
cd "$folder"
# A certificate for `localhost` by an authority of its own.
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=tests -keyout ca.key -out ca.pem 2>/dev/null
openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr 2>/dev/null
printf 'subjectAltName=DNS:localhost' >server.ext
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile server.ext \
  -out server.pem 2>/dev/null
chmod 600 server.key
if [ "$(id -u)" = 0 ]; then chown postgres server.key; fi
"${as_user[@]}" "$bin/initdb" -D "$folder/data" -U nightly --pwfile="$folder/password" -A scram-sha-256 \
  --no-sync >"$folder/initdb.log"
# This role must encrypt.
printf '%s\n' 'hostnossl all encrypted all reject' | cat - "$folder/data/pg_hba.conf" >hba
cat hba >"$folder/data/pg_hba.conf"
stop() {
  "${as_user[@]}" "$bin/pg_ctl" -D "$folder/data" -m immediate -w stop >/dev/null || true
  rm -rf "$folder"
}
trap stop EXIT
"${as_user[@]}" "$bin/pg_ctl" -D "$folder/data" -w -l "$folder/log" \
  -o "-c listen_addresses=127.0.0.1 -p $port -k $folder -c fsync=off -c ssl=on -c ssl_cert_file=$folder/server.pem \
      -c ssl_key_file=$folder/server.key" start >/dev/null ||
  { cat "$folder/log" && exit 1; }
cd "$OLDPWD"
NIGHTLY_POSTGRES_CA="$folder/ca.pem" NIGHTLY_POSTGRES="postgres://nightly:$password@127.0.0.1:$port" "$@"
