#!/bin/sh
# A Warren node for one job of a CI system. Any POSIX shell will do.
#
#   warren-ci.sh start          starts a node in the background; with a ticket it joins that mesh
#   warren-ci.sh env [option]   prints what leads the job's clients to it: eval "$(sh warren-ci.sh env)"
#   warren-ci.sh stop [seconds] takes that back and stops the node, which gets 40 s for it; what is left is what it cached
#
# WARREN_DATA     folder of the node: for this job alone, or for the ones after it as well, but for one at a time
# WARREN_TICKET   ticket of a mesh, from a secret. Without one the job gets the node of its machine, or one that is alone
#
# All other settings of a node count as well (WARREN_MESH_ZONE, WARREN_STORE_QUOTA and so on).
set -eu
# What a shell that traces («sh -x») writes goes into the log of the job, and the ticket would be in it.
{ set +x; } 2>/dev/null

fail() {
  printf 'warren-ci: %s\n' "$*" >&2
  exit 1
}

[ -n "${WARREN_DATA:-}" ] || fail 'set WARREN_DATA to the folder that the node of this job gets'

log=$WARREN_DATA/ci.log
file=$WARREN_DATA/ci.pid
ticket=$WARREN_DATA/ci.ticket
# A node ends by itself after 30 s, whatever holds it up.
patience=40

# In a container without an init, what has ended may stay in the list of processes.
is_alive() {
  kill -0 "$pid" 2>/dev/null || return 1
  [ ! -r "/proc/$pid/stat" ] || ! grep -q ') [ZX] ' "/proc/$pid/stat"
}

# Whether the node that was started is there. A number that is left from before a restart may be somebody else's by now.
is_running() {
  [ -s "$file" ] && read -r pid <"$file" && is_alive || return 1
  [ ! -r "/proc/$pid/environ" ] || tr '\0' '\n' <"/proc/$pid/environ" | grep -qxF "WARREN_DATA=$WARREN_DATA"
}

# Not every «sleep» knows parts of a second.
pause() {
  sleep 0.05 2>/dev/null || sleep 1
}

is_ready() {
  grep -q "\"pid\": $pid," "$WARREN_DATA/node.json" 2>/dev/null
}

need_warren() {
  command -v warren >/dev/null || fail 'there is no warren in PATH: npm install --global warren-mesh'
}

start() {
  need_warren
  # One that was just killed, with the job before, is there for a moment more.
  late=$(($(date +%s) + 3))
  while is_running && [ "$(date +%s)" -lt "$late" ]; do pause; done
  ! is_running || fail "a node runs on $WARREN_DATA already"
  if [ -z "${WARREN_TICKET:-}${WARREN_TICKET_FILE:-}" ] && warren status >/dev/null 2>&1; then return; fi
  umask 077
  mkdir -p "$WARREN_DATA"
  [ -O "$WARREN_DATA" ] || fail "$WARREN_DATA is the folder of another user"
  # Others can read the variables of a process as long as it runs, and whoever has a ticket can make up members.
  pid=
  trap 'give_up "stopped before the node was there"' HUP INT TERM
  # Of a job that was killed; its mode would stay, and this one may be of somebody who is to have none.
  rm -f "$ticket"
  if [ -n "${WARREN_TICKET:-}" ]; then
    printf '%s\n' "$WARREN_TICKET" >"$ticket"
    export WARREN_TICKET_FILE="$ticket"
  fi
  unset WARREN_TICKET
  # Free ports, for other jobs of this machine have nodes, too; and members that forget this one when it goes.
  export WARREN_MESH_EPHEMERAL=true
  export WARREN_LISTEN="${WARREN_LISTEN:-127.0.0.1:0}"
  export WARREN_MESH_LISTEN="${WARREN_MESH_LISTEN:-0.0.0.0:0}"
  export WARREN_MESH_BLOBS="${WARREN_MESH_BLOBS:-0.0.0.0:0}"
  nohup warren up </dev/null >"$log" 2>&1 &
  pid=$!
  echo "$pid" >"$file"
  tries=0
  until is_ready; do
    pause
    if ! is_alive || [ "$tries" -ge 600 ]; then
      cat "$log" >&2
      give_up 'the node does not start'
    fi
    tries=$((tries + 1))
  done
  rm -f "$ticket"
  trap - HUP INT TERM
}

give_up() {
  trap '' HUP INT TERM
  if [ -n "$pid" ]; then end; fi
  tidy
  fail "$1"
}

stop() {
  if [ -d "$WARREN_DATA/env" ]; then warren env --remove --dir "$WARREN_DATA/env" >/dev/null || true; fi
  if is_running; then end; fi
  tidy
}

end() {
  kill -TERM "$pid" 2>/dev/null || true
  late=$(($(date +%s) + patience))
  while is_alive; do
    if [ "$(date +%s)" -gt "$late" ]; then
      printf 'warren-ci: the node did not stop within %s s, so it was ended; its key stays in %s\n' "$patience" "$WARREN_DATA" >&2
      kill -KILL "$pid" 2>/dev/null || true
      return
    fi
    pause
  done
}

tidy() {
  rm -f "$log" "$file" "$ticket"
}

case ${1:-} in
start) start ;;
env)
  need_warren
  shift
  if is_running; then set -- --data "$WARREN_DATA" --dir "$WARREN_DATA/env" --wait 10 "$@"; fi
  exec warren env "$@"
  ;;
stop)
  patience=${2:-$patience}
  case $patience in *[!0-9]*) fail "$patience is no number of seconds" ;; esac
  stop
  ;;
*) fail 'say what to do: start, env or stop' ;;
esac
