# What bash offers after the line in $1, as its completion function is called (bash(1), Programmable Completion).
source <(sidestep completions bash)
read -ra COMP_WORDS <<<"$1"
COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_TYPE=9
"$(complete -p sidestep | sed 's/.*-F \([^ ]*\).*/\1/')" sidestep "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\n' "${COMPREPLY[@]}"
