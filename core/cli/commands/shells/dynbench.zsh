#compdef dynbench
# dynbench completion for zsh: source <(dynbench completion zsh), after compinit
_dynbench() {
  local -a answer open closed openText closedText
  local kind prefix entry word text
  answer=("${(@f)$("${(Q)words[1]}" completion words -- "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  kind=${answer[1]%%$'\t'*} prefix=${answer[1]#*$'\t'}
  case $kind in
    files) [[ -n $prefix ]] && compset -P "$prefix"; _files ;;
    folders) [[ -n $prefix ]] && compset -P "$prefix"; _files -/ ;;
    words)
      for entry in "${(@)answer[2,-1]}"; do
        word=${entry%%$'\t'*} text=${entry#*$'\t'}
        [[ -n $text ]] && text="$word  -- $text" || text=$word
        if [[ $word == *= ]]; then open+=("$word") openText+=("$text")
        else closed+=("$word") closedText+=("$text"); fi
      done
      (( ${#open} )) && compadd -S '' -l -d openText -- "${open[@]}"
      (( ${#closed} )) && compadd -l -d closedText -- "${closed[@]}"
      ;;
  esac
}
if [[ $funcstack[1] == _dynbench ]]; then _dynbench "$@"; else compdef _dynbench dynbench; fi
