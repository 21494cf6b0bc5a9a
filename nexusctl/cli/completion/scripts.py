"""The scripts by which bash, zsh and fish ask for completions."""

from __future__ import annotations

VARIABLE = "_NEXUSCTL_COMPLETE"
"""In the environment of a process that is to complete a word; its value is the shell's name and `_complete`."""

# A word ends for bash also at `:` and `=`: only the rest of it is replaced, so the line is handed over as it is.
_BASH = r"""_nexusctl_completion() {
    local cur="${COMP_WORDS[COMP_CWORD]}" kind value path
    COMPREPLY=()
    while IFS=, read -r kind value; do
        case $kind in
            plain) COMPREPLY+=("$value") ;;
            open) COMPREPLY+=("$value"); compopt -o nospace 2>/dev/null ;;
            file | dir)
                [[ $cur == [:=] ]] && cur=""
                while IFS= read -r path; do
                    [[ -d $path ]] && { path+=/; compopt -o nospace 2>/dev/null; }
                    COMPREPLY+=("$(printf %q "$path")")
                done < <(compgen "-${kind:0:1}" -- "$cur") ;;
        esac
    done < <(COMP_LINE="${COMP_LINE:0:COMP_POINT}" COMP_CUR="$cur" _NEXUSCTL_COMPLETE=bash_complete "$1" 2>/dev/null)
}
complete -o nosort -F _nexusctl_completion nexusctl 2>/dev/null || complete -F _nexusctl_completion nexusctl
"""

_ZSH = r"""#compdef nexusctl

_nexusctl_completion() {
    local -a words_ open_ answer
    local kind value
    local -x COMP_WORDS="${words[*]}" COMP_CWORD=$((CURRENT-1)) _NEXUSCTL_COMPLETE=zsh_complete
    answer=("${(@f)$(nexusctl 2>/dev/null)}")
    for kind value in "${(@)answer}"; do
        case $kind in
            plain) words_+=("$value") ;;
            open) open_+=("$value") ;;
            dir) _path_files -/ ;;
            file) _path_files ;;
        esac
    done
    (( $#words_ )) && compadd -V words -a words_
    (( $#open_ )) && compadd -V open -S '' -a open_
    return 0
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _nexusctl_completion "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
    compdef _nexusctl_completion nexusctl
fi
"""

_FISH = r"""function _nexusctl_completion
    set -lx COMP_WORDS (commandline -cp)
    set -lx COMP_CWORD (commandline -t)
    set -lx _NEXUSCTL_COMPLETE fish_complete
    set -l answer (nexusctl 2>/dev/null)
    for line in $answer
        set -l parts (string split -m 1 , -- $line)
        switch $parts[1]
            case plain open
                echo $parts[2]
            case dir
                __fish_complete_directories (commandline -t)
            case file
                __fish_complete_path (commandline -t)
        end
    end
end
complete --no-files --command nexusctl --arguments "(_nexusctl_completion)"
"""

SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}
