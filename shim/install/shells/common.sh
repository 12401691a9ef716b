# Written by `shim activate`. Nothing here starts a process, but for one: a tool that is new on PATH gets its launcher.
# Sets _shim_path to PATH without the folders named, each entry after a colon.
_shim_without() {
  _shim_todo=${PATH-}${PATH+:}
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

# Defines a function for each tool that is there: it counts before PATH, also in `. .venv/bin/activate && pip ...`. One that is
# defined already stays, since the user may have put another in its place.
_shim_define() {
  _shim_kept=
  for _shim_name in @NAMES@; do
    case " $_shim_defined " in
      *" $_shim_name "*) _shim_known=1 ;;
      *) _shim_known= ;;
    esac
    if ! _shim_has "$_shim_name"; then
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
    [ -n "$_shim_known" ] || eval "$_shim_name() { if [ -x "@SHIM_QUOTED@" ]; then _SHIM_AS=$_shim_name "@SHIM_QUOTED@" \"\$@\"; else command $_shim_name \"\$@\"; fi; }"
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

# Whether the user has an alias of that name: it goes before any function.
_shim_is_taken() {
  alias "$1" >/dev/null 2>&1
}

shim() {
  case ${1-} in
    deactivate) _shim_deactivate ;;
    *) @SHIMS@/shim "$@" ;;
  esac
}

_shim_deactivate() {
  _shim_without @SHIMS@ @HOOK@ @FACES@
  PATH=${_shim_path#:}
  _shim_forget_prompt
  _shim_undefine
  unset -f shim _shim_without _shim_has _shim_define _shim_undefine _shim_forget _shim_is_taken _shim_deactivate _shim_forget_prompt
  unset _shim_path _shim_defined
}

_shim_forget_prompt() {
  :
}

