# Written by `shim activate`. Nothing here starts a process, but for one: a tool that is new on PATH
# gets its launcher.

# Sets _shim_path to the list $1, whose entries end in a colon each, without the folders named: each
# entry after a colon.
_shim_without() {
  _shim_todo=$1
  shift
  _shim_path=
  while [ -n "$_shim_todo" ]; do
    _shim_entry=${_shim_todo%%:*}
    _shim_todo=${_shim_todo#*:}
    for _shim_folder do
      [ "$_shim_entry" != "$_shim_folder" ] || continue 2
    done
    _shim_path=$_shim_path:$_shim_entry
  done
  unset _shim_todo _shim_entry _shim_folder
}

# Whether PATH has a program $1, our launchers not counted.
_shim_has() {
  _shim_todo=${PATH-}${PATH+:}
  while [ -n "$_shim_todo" ]; do
    _shim_entry=${_shim_todo%%:*}
    _shim_todo=${_shim_todo#*:}
    case $_shim_entry in
      @SHIMS@ | @HOOK@) ;;
      *)
        if [ -x "${_shim_entry:-.}/$1" ] && [ -f "${_shim_entry:-.}/$1" ]; then
          unset _shim_todo _shim_entry
          return 0
        fi
        ;;
    esac
  done
  unset _shim_todo _shim_entry
  return 1
}

# Puts the launchers in front by another path of the same folder, which is not on PATH before that
# is needed: mise takes what it saw at its start for the user's and moves venvs behind it.
_shim_go_first() {
  _shim_without "${PATH-}${PATH+:}" @HOOK@
  PATH=@HOOK@$_shim_path
  unset _shim_path
}

# Whoever changed PATH in this very line, or took the prompt's hook away, is behind us again.
_shim_lead() {
  case ${PATH-} in
    @SHIMS@:* | @HOOK@:*) ;;
    *) _shim_go_first ;;
  esac
}

# What our functions do: `_shim_run pip ARGUMENTS`. Where the launchers may not be written, `shim`
# stands for a tool that came later.
_shim_run() {
  if [ ! -x @SHIMS@/shim ]; then
    command "$@"
  elif [ -x @SHIMS@/"$1" ]; then
    _shim_lead
    _shim_seen= # it may have brought new tools
    _shim_start "$@"
  else
    _shim_name=$1
    shift
    _SHIM_AS=$_shim_name @SHIMS@/shim "$@"
  fi
}

_shim_start() {
  command "$@"
}

_shim_stand_for() {
  eval "$1() { _shim_run $1 \"\$@\"; }"
}

# Defines a function for each tool that is there, or has a launcher that waits for it: it counts
# before PATH, also in `. .venv/bin/activate && pip ...`. One that is defined already stays, since
# the user may have put another in its place.
_shim_define() {
  _shim_kept=
  for _shim_name in @NAMES@; do
    case " $_shim_defined " in
      *" $_shim_name "*) _shim_known=1 ;;
      *) _shim_known= ;;
    esac
    if [ ! -x @SHIMS@/"$_shim_name" ] && ! _shim_has "$_shim_name"; then
      [ -z "$_shim_known" ] || _shim_forget "$_shim_name"
      continue
    elif [ -z "$_shim_known" ] && _shim_is_taken "$_shim_name"; then
      continue
    fi
    if [ ! -e @SHIMS@/"$_shim_name" ] && [ -w @SHIMS@ ] && [ -x @SHIMS@/shim ]; then
      @SHIMS@/shim install --quiet --shims @SHIMS@ "$_shim_name" || :
    fi
    case $_shim_name in
      *-*) continue ;; # no name for a function in every shell; PATH leads to its launcher
    esac
    if [ -z "$_shim_known" ] || _shim_is_lost "$_shim_name"; then
      _shim_stand_for "$_shim_name"
    fi
    _shim_kept="$_shim_kept $_shim_name"
  done
  _shim_defined=$_shim_kept
  unset _shim_name _shim_known _shim_kept
}

_shim_undefine() {
  for _shim_name in @NAMES@; do
    case " $_shim_defined " in
      *" $_shim_name "*) _shim_forget "$_shim_name" ;;
    esac
  done
  unset _shim_name
  _shim_defined=
}

# Takes a function of ours away. Which text it has now, a plain sh cannot tell.
_shim_forget() {
  unset -f "$1"
}

# Whether a function that was defined is gone again. A plain sh cannot tell, and takes none away.
_shim_is_lost() {
  return 1
}

# Whether the user has an alias of that name: it goes before any function.
_shim_is_taken() {
  alias "$1" >/dev/null 2>&1
}

shim() {
  case ${1-} in
    deactivate) _shim_deactivate ;;
    *)
      _shim_lead
      @SHIMS@/shim "$@"
      ;;
  esac
}

# What others put back later has us in it as well: `deactivate` of a venv, mise and direnv, which
# writes what only a program can read.
_shim_deactivate() {
  _shim_without "${PATH-}${PATH+:}" @SHIMS@ @HOOK@ @FACES@
  PATH=${_shim_path#:}
  for _shim_name in _OLD_VIRTUAL_PATH __MISE_ORIG_PATH; do
    eval "_shim_todo=\${$_shim_name-}"
    if [ -n "$_shim_todo" ]; then
      _shim_without "$_shim_todo:" @SHIMS@ @HOOK@ @FACES@
      eval "$_shim_name=\${_shim_path#:}"
    fi
  done
  if [ -n "${DIRENV_DIFF-}" ] && _shim_todo=$(@SHIMS@/shim deactivate --direnv 2>/dev/null); then
    DIRENV_DIFF=$_shim_todo
  fi
  _shim_forget_prompt
  _shim_undefine
  unset -f shim _shim_without _shim_go_first _shim_lead _shim_run _shim_start _shim_stand_for \
    _shim_has _shim_define _shim_undefine
  unset -f _shim_forget _shim_is_lost _shim_is_taken _shim_deactivate _shim_forget_prompt
  unset _shim_path _shim_todo _shim_name _shim_seen _shim_defined
}

_shim_forget_prompt() {
  :
}
