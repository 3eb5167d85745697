# dynbench completion for fish: dynbench completion fish | source
function __dynbench_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l answer ($words[1] completion words -- $words[2..] 2>/dev/null)
    set -l first (string split \t -- $answer[1])
    switch $first[1]
        case files folders
            set -l typed (string sub -s (math 1 + (string length -- "$first[2]")) -- (commandline -ct))
            for entry in (__fish_complete_path "$typed")
                if test $first[1] = files; or string match -q '*/*' -- $entry
                    printf '%s%s\n' "$first[2]" $entry
                end
            end
        case words
            printf '%s\n' $answer[2..]
    end
end
complete -c dynbench -f -a '(__dynbench_complete)'
