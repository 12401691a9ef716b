# A function of the user's own goes before ours, and reaches the launcher by PATH.
_shim_is_taken() {
  alias "$1" >/dev/null 2>&1 || declare -F "$1" >/dev/null 2>&1
}

_shim_is_lost() {
  ! declare -F "$1" >/dev/null 2>&1
}

# It is the user's, if it was defined anew since.
_shim_forget() {
  case $(declare -f "$1") in
    *'_shim_run '*) unset -f "$1" ;;
  esac
}

# This way of writing it leaves aliases alone.
_shim_stand_for() {
  eval "function $1 { _shim_run $1 \"\$@\"; }"
}

# bash names a job by the command inside of a function. So that is the very line that was typed, and
# our function is away meanwhile. Should ^C keep it away, the next prompt brings it back, where
# nothing counts as seen then.
_shim_start() {
  local _shim_name=$1 _shim_words=
  ! _shim_is_job "$1" || exec "$@"
  shift
  [ $# -eq 0 ] || printf -v _shim_words ' %q' "$@"
  _shim_words=$_shim_name$_shim_words
  ! alias "$_shim_name" >/dev/null 2>&1 ||
    _shim_words=\\$_shim_words # typed already, and not to be done twice
  unset -f "$_shim_name"
  eval "unset _shim_words; $_shim_words"
  set -- "$?"
  _shim_stand_for "$_shim_name"
  return "$1"
}

# Whether the typed line is this command in the background and nothing else. Then its process may
# become the tool, which `$!` is then. No function can tell that of itself: history does, if this
# line went into it.
_shim_is_job() {
  [[ ${BASHPID-} != "$$" && ${HISTCMD-} = "${_shim_line-}" ]] || return 1
  set -- "$1" "$(HISTTIMEFORMAT= history 1)"
  [[ $2 =~ ^\ *[0-9]+\*?\ +"$1"(\ ([^\;\&\|\(\)\`]|\>\&|\&\>)*)?\&\ *$ ]]
}

# The status is handed on to prompt commands behind ours, but not where `set -e` would end the shell
# for it.
_shim_prompt() {
  set -- "$?"
  _shim_line=${HISTCMD-}
  [ "${PATH-}" = "${_shim_seen-}" ] || [ ! -x @SHIMS@/shim ] || _shim_settle
  case $- in
    *e*) return 0 ;;
  esac
  return "$1"
}

# What completes `shim` is read when Tab is first pressed (124: bash asks again, but not that of
# macOS).
_shim_complete() {
  [ -r @COMPLETE@/shim.bash ] && . @COMPLETE@/shim.bash || return 1
  [ "${BASH_VERSINFO[0]}" -lt 4 ] || return 124
  _shtab_shim "$@"
}

# Whether PROMPT_COMMAND may be written: `declare -ar` is readonly. Where it may not, the functions
# settle PATH.
_shim_may_hook() {
  set -- "$(declare -p PROMPT_COMMAND 2>/dev/null)"
  set -- "${1#declare -}"
  case ${1%% *} in
    *r*) return 1 ;;
  esac
}

# An exported PROMPT_COMMAND reaches shells that were not activated: there, this word is no command
# at all.
case $- in
  *i*)
    complete -F _shim_complete shim 2>/dev/null || :
    ! _shim_may_hook || case $(declare -p PROMPT_COMMAND 2>/dev/null) in
      *_shim_prompt*) ;;
      'declare -a'*) PROMPT_COMMAND+=('${_shim_defined+_shim_prompt}') ;;
      *) PROMPT_COMMAND=${PROMPT_COMMAND:+$PROMPT_COMMAND$'\n'}'${_shim_defined+_shim_prompt}' ;;
    esac
    ;;
esac

# Whoever has wrapped PROMPT_COMMAND meanwhile keeps that word.
_shim_forget_prompt() {
  ! _shim_may_hook || case $(declare -p PROMPT_COMMAND 2>/dev/null) in
    'declare -a'*)
      for _shim_name in "${!PROMPT_COMMAND[@]}"; do
        [ "${PROMPT_COMMAND[$_shim_name]}" != '${_shim_defined+_shim_prompt}' ] ||
          unset "PROMPT_COMMAND[$_shim_name]"
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
  unset -f _shim_settle _shim_prompt _shim_is_job _shim_complete _shim_may_hook
  unset _shim_line
}
