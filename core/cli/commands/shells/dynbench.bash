# dynbench completion for bash: source <(dynbench completion bash)
# At Tab it asks `dynbench completion words -- WORD…`: a line with the kind (words, files, folders) and,
# behind a tab, what of the word stands before the name of a file; then a word a line, a tab, its description.
_dynbench() {
  local line=${COMP_LINE:0:COMP_POINT} words=() answer=() kind prefix typed tail before entry
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  typed=${words[-1]}
  # readline replaces only what follows the last of its word breaks, = and : among them.
  tail=${typed##*["$COMP_WORDBREAKS"]}
  before=${typed%"$tail"}
  mapfile -t answer < <("${words[0]}" completion words -- "${words[@]:1}" 2>/dev/null)
  kind=${answer[0]%%$'\t'*} prefix=${answer[0]#*$'\t'}
  COMPREPLY=()
  case $kind in
    files | folders)
      compopt -o filenames
      tail=${typed#"$prefix"}
      [[ $kind == files ]] && mapfile -t COMPREPLY < <(compgen -f -- "$tail")
      [[ $kind == folders ]] && mapfile -t COMPREPLY < <(compgen -d -- "$tail")
      ;;
    words)
      for entry in "${answer[@]:1}"; do
        entry=${entry%%$'\t'*}
        COMPREPLY+=("${entry#"$before"}")
      done
      [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace
      ;;
  esac
  return 0
}
complete -F _dynbench dynbench
