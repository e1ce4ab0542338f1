# What zsh offers after the line in $1: typed at a shell on a terminal of its own, followed by the key that lists.
[[ -n $ZSH_MODULES ]] && module_path=($ZSH_MODULES)
zmodload zsh/zpty
zpty -b shell "env TERM=dumb ${commands[zsh]} -f +Z -V"
zpty -w shell "[[ -n \$ZSH_MODULES ]] && module_path=(\$ZSH_MODULES) && fpath=(\$ZSH_FUNCTIONS \$ZSH_FUNCTIONS/**/*(/N))"
zpty -w shell "zmodload zsh/zle; setopt zle; PROMPT=; autoload -Uz compinit; compinit -u -D; source <(sidestep completions zsh)"
zpty -w shell "print rea''dy"
zpty -r shell seen '*ready*'
# Ctrl-D lists, Ctrl-U takes the line back.
zpty -n -w shell "$1"$'\C-d\C-u'
zpty -w shell "print fin''ished"
zpty -r shell seen '*finished*'
zpty -d shell
print -r -- $seen | tr -d '\r' | sed -n 's/^\(\x1b\[[0-9;?]*[A-Za-z]\)*\([A-Za-z0-9._-]*\)  *-- .*/\2/p'
