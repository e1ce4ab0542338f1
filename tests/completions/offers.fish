# What fish offers after the line in $argv[1].
sidestep completions fish | source
complete --do-complete $argv[1] | string replace --regex '\t.*' ''
