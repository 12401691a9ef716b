# The launchers go in front again at the prompt after something put a venv before them: by another path of the same folder, which
# is on PATH only from the first prompt on. mise takes what it saw at its start for the user's and moves venvs behind it.
_shim_settle() {
  case ${PATH-} in
    @HOOK@:*) ;;
    *)
      _shim_without @HOOK@
      PATH=@HOOK@$_shim_path
      unset _shim_path
      ;;
  esac
  case :$PATH: in
    *:@FACES@:*) ;;
    *) PATH=$PATH:@FACES@ ;;
  esac
  _shim_define
  _shim_seen=$PATH
}

# A function of the user's own goes before ours, and reaches the launcher by PATH.
_shim_is_taken() {
  alias "$1" >/dev/null 2>&1 || declare -F "$1" >/dev/null 2>&1
}

# It is the user's, if it was defined anew since.
_shim_forget() {
  case $(declare -f "$1") in
    *_SHIM_AS=*) unset -f "$1" ;;
  esac
}

# The status is handed on to prompt commands behind ours, but not where `set -e` would end the shell for it.
_shim_prompt() {
  set -- "$?"
  [ "${PATH-}" = "${_shim_seen-}" ] || [ ! -x @SHIMS@/shim ] || _shim_settle
  case $- in
    *e*) return 0 ;;
  esac
  return "$1"
}

# What completes `shim` is read when Tab is first pressed (124: bash asks again).
_shim_complete() {
  [ -r @COMPLETE@/shim.bash ] && . @COMPLETE@/shim.bash && return 124
}

# An exported PROMPT_COMMAND reaches shells that were not activated: there, this word is no command at all.
case $- in
  *i*)
    complete -F _shim_complete shim 2>/dev/null || :
    case $(declare -p PROMPT_COMMAND 2>/dev/null) in
      *_shim_prompt*) ;;
      'declare -a'*) PROMPT_COMMAND+=('${_shim_defined+_shim_prompt}') ;;
      *) PROMPT_COMMAND=${PROMPT_COMMAND:+$PROMPT_COMMAND$'\n'}'${_shim_defined+_shim_prompt}' ;;
    esac
    ;;
esac

# Whoever has wrapped PROMPT_COMMAND meanwhile keeps that word.
_shim_forget_prompt() {
  case $(declare -p PROMPT_COMMAND 2>/dev/null) in
    'declare -a'*)
      for _shim_name in "${!PROMPT_COMMAND[@]}"; do
        [ "${PROMPT_COMMAND[$_shim_name]}" != '${_shim_defined+_shim_prompt}' ] || unset "PROMPT_COMMAND[$_shim_name]"
      done
      ;;
    *_shim_prompt*)
      # direnv and others put theirs before it, with a semicolon.
      for _shim_name in $'\n${_shim_defined+_shim_prompt}' ';${_shim_defined+_shim_prompt}'; do
        PROMPT_COMMAND=${PROMPT_COMMAND/"$_shim_name"/}
      done
      [ "$PROMPT_COMMAND" != '${_shim_defined+_shim_prompt}' ] || unset PROMPT_COMMAND
      ;;
  esac
  complete -r shim 2>/dev/null || :
  unset -f _shim_settle _shim_prompt _shim_complete
  unset _shim_seen _shim_name
}
