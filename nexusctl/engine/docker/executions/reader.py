"""What reads executions inside of a running sandbox: shell scripts, which print what is there and change nothing.

A command in the sandbox sees new output at once, and costs the engine nothing while it waits.
"""

from __future__ import annotations

from nexusctl.engine.docker.executions.listening import LISTENING

ABSENT = 66
"""The exit code of a reader that finds no such execution."""

PACE = 20
"""So often a second a follower looks for more."""

# What a sandbox writes may be anything: a link to somewhere else, a pipe that never ends, a number that is none.
_PLAIN = 'set -f; plain() { [ -f "$1" ] && [ ! -h "$1" ] && [ -r "$1" ]; }'

# Both that wait for an end and that tell of it go by this, so that no end is waited for that is then not told. Whether
# the supervisor lives is asked before: what it has written by its last moment is there then.
_OVER = """
over() {
  end= bytes=
  if plain "$1/end"; then read -r end <"$1/end"; fi
  if plain "$1/bytes"; then read -r bytes <"$1/bytes"; fi
  if [ -z "$end" ]; then return 1; fi
  if [ -n "$bytes" ] || [ -z "$2" ]; then return 0; fi
  # Its last words may be on their way; what it has left behind may go on for ever, and counts no more.
  read -r nx_up nx_rest </proc/uptime; set -- $end; nx_ago=${2%%.*} nx_up=${nx_up%%.*}
  case $nx_ago$nx_up in ''|*[!0-9]*) ;; *) [ $((nx_up - nx_ago)) -ge 3 ];; esac
} 2>/dev/null
"""

LISTER = f"""
{_PLAIN}
set +f
{_OVER}
birth() {{
  ticks=
  read -r line <"/proc/$1/stat" || return
  line=${{line##*) }}; set -- $line; shift 19; ticks=$1
}} 2>/dev/null
birth 1; first=$ticks
only=$1; shift
for root do
  cd "$root/executions" 2>/dev/null || continue
  for id in $only; do
    plain "$id/meta" || continue
    IFS= read -r meta <"$id/meta"
    {{ read -r line; read -r pid born up; }} <"$id/meta"
    alive= former=0
    case $pid in ''|*[!0-9]*) pid=0;; esac
    birth "$pid"
    if [ -n "$ticks" ] && [ "$ticks" = "$born" ]; then alive=1; fi
    if [ "$born" -lt "$first" ]; then former=1; fi
    if ! over "$id" "$alive"; then end=; fi
    if [ -z "$bytes" ]; then
      index=0; while [ -e "$root/output/$id/i.$((index + 1))" ]; do index=$((index + 1)); done
      for last in "$root/output/$id"/i.*; do
        last=${{last##*.}}; case $last in *[!0-9]*) continue;; esac
        if [ "$last" -gt "$index" ]; then index=$last; fi
      done
      bytes=0
      if plain "$root/output/$id/i.$index"; then
        set -- $(tail -n 1 "$root/output/$id/i.$index")
        case $1$5 in ''|*[!0-9]*) ;; *) bytes=$(($1 + $5));; esac
      fi
    fi
    printf '%s|%s|%s|%s|%s|%s|%s\\n' "$id" "${{alive:-0}}" "$former" "$up" "$end" "$bytes" "$meta"
  done
done 2>/dev/null
"""
"""Gets an id or a pattern, and the roots; prints a line for each execution."""

READER = f"""
{_PLAIN}
{_OVER}
id=$1 from=$2 most=$3 wait=$4 silence=$5 then=$6; shift 6
roots=$*
now=0
clock() {{
  now=$((now + {100 // PACE}))
  if read -r up rest </proc/uptime; then now=$((${{up%.*}} * 100 + 1${{up#*.}} - 100)); fi
}} 2>/dev/null
clock; until=$((now + wait)) quiet=$((now + 10 * silence))
{LISTENING}
serves() {{
  plain "$here/listens" || return 1
  # By cat: bash's own read has come back with nothing from files that say something.
  before=$(cat "$here/listens")
  case $before in sockets*) ;; *) return 1;; esac
  listening
  for socket in $nx_sockets; do
    case " $before " in *" $socket "*) ;; *) return 0;; esac
  done
  return 1
}} 2>/dev/null
for root do if [ -d "$root/executions/$id" ]; then break; fi; done
here=$root/executions/$id out=$root/output/$id
if ! plain "$here/meta"; then exit {ABSENT}; fi
{{ read -r line; read -r pid born up; }} <"$here/meta"
case $pid in ''|*[!0-9]*) pid=0;; esac
alive() {{
  read -r stat <"/proc/$pid/stat" || return 1
  stat=${{stat##*) }}; set -- $stat; shift 19; [ "$1" = "$born" ]
}} 2>/dev/null
if [ "$wait" -gt 0 ]; then
  exec 4<&0
  (while read -r line; do :; done; kill $$) <&4 >/dev/null 2>&1 &
  watch=$!
fi
lost=
tell_lost() {{ if [ "$lost" ]; then printf 'C %s\\n' "$lost"; lost=; fi; }}
finish() {{
  tell_lost
  printf 'F %s %s\\n' "$1" "$reached"
  if [ "$wait" -gt 0 ]; then kill "$watch"; fi 2>/dev/null
  set -- "$id" $roots
  eval "$then"
  exit 0
}}
index= best=-1
set +f
for file in "$out"/i.*; do
  number=${{file##*.}} line=0
  case $number in *[!0-9]*) continue;; esac
  plain "$file" || continue
  read -r line rest <"$file" || [ "$number" = 0 ] || continue
  case $line in *[!0-9]*) continue;; esac
  if [ "${{line:-0}}" -le "$from" ] && [ "$number" -gt "$best" ]; then best=$number; fi
  if [ -z "$index" ] || [ "$number" -lt "$index" ]; then index=$number; fi
done 2>/dev/null
set -f
if [ "$best" -ge 0 ]; then index=$best; fi
reached=$from opened= length=0 sent=0 whole= served= part= offset=0 stream=o piece=0 at=0 after=
give() {{
  if [ "$length" -eq 0 ]; then return; fi
  if [ "$reached" -gt "$offset" ]; then skip=$((reached - offset)); else skip=0; fi
  if [ $((sent + length - skip)) -gt "$most" ]; then length=$((most - sent + skip)); fi
  if [ "$length" -gt "$skip" ]; then
    if plain "$out/$stream.$piece" && {{
      tell_lost
      printf 'D %s %s %s%s\\n' "$((offset + skip))" "$stream" "$((length - skip))" "${{after:+ $after}}"
      tail -c +$((at + skip + 1)) | head -c $((length - skip))
    }} <"$out/$stream.$piece"; then :; else lost=$((offset + length)); fi
    sent=$((sent + length - skip)) reached=$((offset + length))
  fi
  length=0
}} 2>/dev/null
take() {{
  case $1$3$4$5$6 in *[!0-9]*) return;; esac
  case $2 in
    .) whole=1; return;;
    o|e) ;;
    *) return;;
  esac
  if [ $(($1 + $5)) -le "$from" ]; then return; fi
  if [ "$length" -gt 0 ] && [ "$length" -lt 1000000 ] &&
    [ "$stream $piece $((${{after:-0}} / 100))" = "$2 $3 $((${{6:-0}} / 100))" ]; then
    length=$((length + $5))
  else
    give
    if [ "$sent" -ge "$most" ]; then finish full; fi
    offset=$1 stream=$2 piece=$3 at=$4 length=$5 after=$6
  fi
}}
while :; do
  if [ -e "$out/i.$((index + 1))" ]; then next=1; else next=; fi
  if alive; then living=1; else living=; fi
  if over "$here" "$living"; then ended=1; else ended=; fi
  if [ "$opened" != "$index" ]; then plain "$out/i.$index" || exit 1; exec 3<"$out/i.$index"; opened=$index; fi
  heard=
  while IFS= read -r line; do
    line=$part$line part= heard=1
    take $line
  done <&3
  part=$part$line
  give
  if [ "$sent" -ge "$most" ]; then finish full; fi
  if [ -n "$next" ]; then index=$((index + 1)) part=; continue; fi
  clock
  # The log may be closed long before the end: by a command that closes its output, or for a moment by any.
  if [ -z "$living" ]; then if [ -n "$whole" ]; then finish ended; else finish lost; fi; fi
  if [ -n "$ended" ]; then finish ended; fi
  if [ -n "$heard" ] && [ "$now" -lt "$until" ]; then quiet=$((now + silence)); continue; fi
  if [ "$now" -ge "$until" ]; then finish running; fi
  if [ "$now" -ge "$quiet" ]; then
    # What has said nothing at all may be about to: a server says that it serves behind the first socket.
    if serves; then if [ "$sent" -gt 0 ] || [ -n "$served" ]; then finish running; else served=1; fi; fi
    quiet=$((now + silence))
  fi
  sleep 0.05
done
"""
"""Gets the id, an offset, the most bytes to give, how long to wait for more, and for how long one that serves may say
nothing until that is enough, both in hundredths of a second, what to do `then`, such as to list it, and the roots.

Prints `D offset stream length after` before each piece of output, which is of one second, `C offset` for a stretch that
was cut away up to there, and last `F why offset`. It ends when its input does.
"""
