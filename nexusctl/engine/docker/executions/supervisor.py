"""What stays beside a command in its sandbox: a shell script of ours that keeps its output and tells how it ended.

It asks for a shell and for `dd` and `mkdir`. Of each execution there are two folders, so that all can be listed
without any output being read:

`executions/<id>/meta`
    What the client said, as one line of JSON; then the pid of the supervisor, its start in ticks and the seconds since
    the machine has booted, all by the sandbox itself.
`executions/<id>/end`
    The exit code, the seconds since boot, and `oom` where the kernel killed for memory meanwhile. Written once.
`executions/<id>/listens`
    The sockets on which somebody listened for connections before it began, by the kernel's numbers.
`executions/<id>/bytes`
    How long the log has become. Written last, after its last byte.
`output/<id>/o.N`, `output/<id>/e.N`
    What came on stdout and stderr, in pieces of about a megabyte.
`output/<id>/i.N`
    The log as lines: offset, stream, piece, place in the piece, length, hundredths of a second since the begin. A dot
    for the stream is the end of the log.

Every file but the pieces is written by a single process, and all only grow: whoever reads lines first and then what
they tell of finds it there.
"""

from __future__ import annotations

from nexusctl.engine.docker.executions.listening import LISTENING
from nexusctl.engine.executions import FOLDER

ROOT = FOLDER

SHARED_MEMORY = "/dev/shm/nexusctl"
"""Where they are kept in a sandbox whose root cannot be written; it goes when the sandbox stops."""

MOST_BYTES = 16 * 1024 * 1024
"""Bytes of output that are kept of one execution at least, and two pieces more at most; the oldest go first."""

PIECE = 1024 * 1024
"""Bytes of one file of output."""

BLOCK = 64 * 1024
"""Bytes that are moved at once: what a pipe holds."""

LONGEST_PIECE = 2 * PIECE
MOST_PIECES = 3 * MOST_BYTES // PIECE
"""No piece is longer, and no more are kept: what is read of a sandbox has bounds."""

LINES = 4096
"""Lines of one file of the log's index."""

MOST_INDICES = 64

MOST_KEPT = 200
"""So many executions of a sandbox are kept after their end."""

READY = "ready"
REFUSED = "refused"

ROOM = 16 * 1024
"""Bytes that are held for its end, so that there is a place for it on a disk that a command has filled."""

NO_COMMAND = (126, 127)
"""The exit codes of a shell that an image does not have."""

UNFIT = 78
"""The exit code of a supervisor that could not begin."""

# Signals are for the command. A trap that does something is forgotten by a child, one that does nothing is not: so the
# shell around the command traps them, and whatever moves output ignores them.
SUPERVISOR = f"""
nx_roots=$1 nx_id=$2 nx_meta=$3 nx_mode=$4; shift 4
refuse() {{
  PATH=$nx_before
  case $nx_mode in watched|terminal) umask "$nx_mask"; unset PWD OLDPWD SHLVL; exec "$@";; esac
  printf '{REFUSED} %s\\n' "$nx_lack"; exit {UNFIT}
}}
uptime() {{ nx_up=0; read -r nx_up nx_rest </proc/uptime; }} 2>/dev/null
birth() {{
  read -r nx_line <"/proc/$$/stat"
  nx_line=${{nx_line##*) }}; set -- $nx_line; shift 19; nx_born=$1
}} 2>/dev/null
killed() {{
  nx_kills=0
  while read -r nx_word nx_number; do
    case $nx_word in oom_kill) nx_kills=$nx_number;; esac
  done <"$1"
}} 2>/dev/null
count_kills() {{
  for nx_file in /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control; do
    [ -r "$nx_file" ] && killed "$nx_file" && return
  done
  nx_kills=0
}}
{LISTENING}
prune() {{
  set -- "$nx_root"/executions/exec_*
  for nx_old do
    [ $# -gt {MOST_KEPT} ] || return
    if [ -e "$nx_old/bytes" ] && [ -w "$nx_old" ]; then rm -rf "$nx_old" "$nx_root/output/${{nx_old##*/}}"; shift; fi
  done
}} 2>/dev/null
nx_mask=$(umask) nx_before=$PATH
umask 077
PATH=$PATH:/usr/bin:/bin:/usr/sbin:/sbin
nx_tools="dd mkdir rm mkfifo"
if [ "$nx_mode" = watched ]; then nx_tools="$nx_tools tee"; fi
for nx_tool in $nx_tools; do
  if ! command -v "$nx_tool" >/dev/null; then nx_lack="tool $nx_tool"; refuse "$@"; fi
done
nx_lack=folder nx_here=
for nx_root in $nx_roots; do
  if [ ! -d "$nx_root/output" ] || [ ! -d "$nx_root/executions" ]; then
    (
      umask 022; mkdir -p "$nx_root"
      umask 0; mkdir -m 1777 "$nx_root/executions" "$nx_root/output"
    ) 2>/dev/null
  fi
  nx_here=$nx_root/executions/$nx_id nx_out=$nx_root/output/$nx_id
  if mkdir "$nx_here" "$nx_out" 2>/dev/null; then nx_lack=; break; fi
done
if [ "$nx_lack" ]; then refuse "$@"; fi
nx_lack=space
trap : HUP INT QUIT TERM USR1 USR2 ALRM
uptime; birth
nx_begun=${{nx_up%.*}}${{nx_up#*.}}
printf '%s\\n%s %s %s\\n' "$nx_meta" "$$" "$nx_born" "$nx_up" 2>/dev/null >"$nx_here/meta" || refuse "$@"
printf '%{ROOM}s' '' 2>/dev/null >"$nx_here/room" || refuse "$@"
true 2>/dev/null >"$nx_out/i.0" || refuse "$@"
nx_pipes=
for nx_pipe in o e to te done in close; do nx_pipes="$nx_pipes $nx_here/$nx_pipe"; done
mkfifo $nx_pipes 2>/dev/null || refuse "$@"
prune
PATH=$nx_before
if command -v setsid >/dev/null && [ "$nx_mode" != terminal ]; then nx_session=setsid; else nx_session=; fi
case $nx_mode in apart|fed)
  listening
  printf 'sockets%s\\n' "$nx_sockets" 2>/dev/null >"$nx_here/listens"
  printf '{READY}\\n'
  exec </dev/null >/dev/null 2>&1
esac

begin() {{
  NEXUSCTL_EXEC=$nx_id; export NEXUSCTL_EXEC
  unset PWD OLDPWD SHLVL
  umask "$nx_mask"
  exec 7>&- 8>&- 9>&-
  if ! command -v "$1" >/dev/null; then printf '%s: not found\\n' "$1" >&2; exit 127; fi
  exec $nx_session "$@"
}}
run() {{
  count_kills; nx_kills_before=$nx_kills
  case $nx_mode in
    fed)
      exec 3<>"$nx_here/in" 6<>"$nx_here/close"
      (trap '' HUP INT QUIT TERM USR1 USR2 ALRM; read -r nx_line <&6) 9>&- &
      exec 3>&-
      (begin "$@" <"$nx_here/in" >"$nx_here/o" 2>"$nx_here/e" 6>&-);;
    apart) (begin "$@" >"$nx_here/o" 2>"$nx_here/e");;
    watched) (begin "$@" >"$nx_here/to" 2>"$nx_here/te");;
    terminal) (begin "$@" 2>&8);;
  esac
  nx_code=$?
  uptime; count_kills
  if [ "$nx_kills" -gt "$nx_kills_before" ]; then nx_oom=oom; else nx_oom=; fi
  true >"$nx_here/room"
  printf '%s %s %s\\n' "$nx_code" "$nx_up" "$nx_oom" >"$nx_here/end"
  if [ "$nx_mode" = fed ]; then echo >&6; fi
}} 2>/dev/null
pass() {{
  trap '' HUP INT QUIT TERM USR1 USR2 ALRM PIPE
  PATH=$PATH:/usr/bin:/bin:/usr/sbin:/sbin LC_ALL=C; export PATH LC_ALL
}}
move() {{
  pass
  piece=0 at=0 moved=0 full=0 blocks=1
  while :; do
    if [ "$blocks" -gt 1 ] && [ "$at" -gt {PIECE // 2} ]; then piece=$((piece + 1)) at=0; fi
    said=$(dd bs={BLOCK} count="$blocks" 2>&1 >>"$nx_out/$1.$piece")
    read_in=${{said%% records in*}}; read_in=${{read_in##*[!0-9+]}}
    bytes=${{said##*records out}}; bytes=${{bytes#?}}; bytes=${{bytes%% *}}
    case $read_in in ''|0+0) break;; esac
    case $bytes in ''|*[!0-9]*) bytes=$(wc -c <"$nx_out/$1.$piece"); bytes=$((bytes - at));; esac
    uptime
    if [ "$bytes" -gt 0 ]; then
      printf '%s %s %s %s %s\\n' "$1" "$piece" "$at" "$bytes" "$((${{nx_up%.*}}${{nx_up#*.}} - nx_begun))"
    fi
    case $said in *rror*) printf 'x 0 0 0\\n'; dd bs={BLOCK} of=/dev/null 2>/dev/null; break;; esac
    at=$((at + bytes)) moved=$((moved + 1))
    if [ "$at" -gt {PIECE - BLOCK} ]; then piece=$((piece + 1)) at=0; fi
    if [ "$bytes" -ge {BLOCK} ]; then full=$((full + 1)); else full=0; fi
    if [ "$full" -gt 8 ] && [ "$nx_mode" = watched ]; then blocks={PIECE // BLOCK - 1}; else blocks=1; fi
    if [ "$moved" -gt 50 ] && [ "$bytes" -lt {BLOCK // 2} ]; then sleep 0.03; fi
  done
}} 2>/dev/null
note() {{
  pass
  offset=0 index=0 lines=0 kept=0 o_low=0 o_high=0 e_low=0 e_high=0
  while read -r stream piece at bytes after; do
    printf '%s %s %s %s %s %s\\n' "$offset" "$stream" "$piece" "$at" "$bytes" "$after" >>"$nx_out/i.$index"
    offset=$((offset + bytes)) lines=$((lines + 1))
    case $stream in o) o_high=$piece;; e) e_high=$piece;; esac
    eval "size_${{stream}}_$piece=$((at + bytes))"
    kept=$((kept + bytes))
    while [ "$kept" -gt {MOST_BYTES} ]; do
      if [ $((o_high - o_low)) -ge $((e_high - e_low)) ]; then oldest=o_$o_low; else oldest=e_$e_low; fi
      eval "size=\\$size_$oldest"
      if [ $((kept - size)) -lt {MOST_BYTES} ]; then break; fi
      rm -f "$nx_out/${{oldest%_*}}.${{oldest#*_}}"
      kept=$((kept - size))
      case $oldest in o*) o_low=$((o_low + 1));; *) e_low=$((e_low + 1));; esac
    done
    if [ "$lines" -ge {LINES} ]; then
      index=$((index + 1)) lines=0
      if [ "$index" -ge {MOST_INDICES} ]; then rm -f "$nx_out/i.$((index - {MOST_INDICES}))"; fi
    fi
  done
  printf '%s . 0 0 0\\n' "$offset" >>"$nx_out/i.$index"
  printf '%s\\n' "$offset" >"$nx_here/bytes"
  echo whole >&9
}} 2>/dev/null

# What a command has left behind may hold its output open for ever, which is nothing that anybody waits for here. Where
# it has left nothing behind, somebody reads slowly.
marked() {{
  while IFS= read -r nx_line || [ -n "$nx_line" ]; do
    case $nx_line in *"NEXUSCTL_EXEC=$nx_id"*) return 0;; esac
  done <"$1/environ"
  return 1
}}
give_up() {{
  nx_sleep= nx_pause=0.5
  trap '[ -z "$nx_sleep" ] || kill "$nx_sleep"; exit 0' TERM
  # It may be told to end before it hears of that, so it looks for itself whether there is anything to wait for.
  while [ -d "$nx_here" ] && [ ! -e "$nx_here/bytes" ]; do
    sleep "$nx_pause" 9>&- & nx_sleep=$!
    wait "$nx_sleep"
    for nx_folder in /proc/[0-9]*; do
      if marked "$nx_folder"; then echo late >&9; return; fi
    done
    # What was left behind is there at once; all looks but the first are for what was just beginning then.
    case $nx_pause in 0.5) nx_pause=1;; 64) ;; *) nx_pause=$((nx_pause * 2));; esac
  done
}} 2>/dev/null

exec 7>&1 8>&2 9<>"$nx_here/done"
if [ "$nx_mode" = terminal ]; then
  run "$@"
  printf '0 . 0 0 0\\n' >"$nx_out/i.0"
  printf '0\\n' >"$nx_here/bytes"
else
  {{ move o <"$nx_here/o" 9>&- & move e <"$nx_here/e" 9>&-; wait; }} 7>&- 8>&- | note 7>&- 8>&- &
  nx_movers=$!
  if [ "$nx_mode" = watched ]; then
    (pass; exec tee "$nx_here/o" <"$nx_here/to" >&7 7>&- 8>&- 9>&-) 2>/dev/null &
    nx_movers="$nx_movers $!"
    (pass; exec tee "$nx_here/e" <"$nx_here/te" >&8 7>&- 8>&- 9>&-) 2>/dev/null &
    nx_movers="$nx_movers $!"
  fi
  run "$@"
  nx_late=
  if [ "$nx_mode" = watched ] && [ ! -e "$nx_here/bytes" ]; then give_up & nx_late=$!; fi
  read -r nx_line <&9
  if [ "$nx_late" ]; then kill "$nx_late"; fi 2>/dev/null
  if [ "$nx_line" = whole ]; then wait $nx_movers; fi
fi
exit "${{nx_code:-137}}"
"""
"""Gets the roots, the id, what the client says, how input and output are used, and the command.

They are used `apart` from anybody, `fed` by whoever attaches, `watched` by whoever started it, or are its `terminal`.
The last two run their command also where nothing can be kept.
"""
