# The launchers go in front again at the prompt after something put a venv before them: by another path of the same folder, which
# is on PATH only from the first prompt on. mise takes what it saw at its start for the user's and moves venvs behind it.
_shim_settle() {
  case $PATH in
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
  alias "$1" >/dev/null 2>&1 || declare -F "$1" >/dev/null
}

_shim_prompt() {
  set -- $?
  [ "$PATH" = "${_shim_seen-}" ] || [ ! -x @SHIMS@/shim ] || _shim_settle
  return "$1"
}

case $- in
  *i*)
    case $(declare -p PROMPT_COMMAND 2>/dev/null) in
      *_shim_prompt*) ;;
      'declare -a'*) PROMPT_COMMAND+=(_shim_prompt) ;;
      *) PROMPT_COMMAND=${PROMPT_COMMAND:+$PROMPT_COMMAND$'\n'}_shim_prompt ;;
    esac
    ;;
esac

# Whoever has wrapped PROMPT_COMMAND meanwhile finds a function that does nothing.
_shim_forget_prompt() {
  case $(declare -p PROMPT_COMMAND 2>/dev/null) in
    *_shim_prompt*) ;;
    *)
      case $- in
        *i*) _shim_prompt() { return $?; } ;;
        *) unset -f _shim_prompt ;;
      esac
      unset -f _shim_settle
      unset _shim_seen
      return 0
      ;;
  esac
  case $(declare -p PROMPT_COMMAND) in
    'declare -a'*)
      for _shim_name in "${!PROMPT_COMMAND[@]}"; do
        [ "${PROMPT_COMMAND[$_shim_name]}" != _shim_prompt ] || unset "PROMPT_COMMAND[$_shim_name]"
      done
      unset _shim_name
      ;;
    *)
      PROMPT_COMMAND=${PROMPT_COMMAND/$'\n'_shim_prompt/}
      [ "$PROMPT_COMMAND" != _shim_prompt ] || unset PROMPT_COMMAND
      ;;
  esac
  unset -f _shim_settle _shim_prompt
  unset _shim_seen
}
