#!@SHELL@
# pip-uv-shim launcher
#
# Stands first on PATH under a tool's name, finds the real tool further down, and becomes it: at
# once where the command needs no index, else by way of our Python, which gets the credentials.
# `shim install` writes it, `shim uninstall` removes it. Every variable is called _shim_...:
# assigning to a name that came with the environment would change what the tool sees.

_shim_python=@PYTHON@
_shim_hot=@HOT@
_shim_site=@SITE@

_shim_self=$0
case $_shim_self in
  */*) ;;
  *) [ -f "./$0" ] || _shim_self=$(command -v -- "$0") ;;
esac
case $_shim_self in
  /*) ;;
  *) _shim_self=$PWD/$_shim_self ;;
esac
_shim_folder=${_shim_self%/*}
_shim_name=${_shim_self##*/}
# The shells' functions call us as `shim`, which is always there, and say which tool they stand for.
if [ "$_shim_name" = shim ] && [ -n "${_SHIM_AS-}" ]; then
  _shim_name=$_SHIM_AS
fi
unset _SHIM_AS

# Whether the file $1 is a copy of this launcher in another folder: the second line tells.
_shim_is_ours() {
  [ -r "$1" ] || return 1
  {
    IFS= read -r _shim_line || return 1
    case $_shim_line in
      '#!'*) ;;
      *) return 1 ;;
    esac
    IFS= read -r _shim_line || return 1
  } <"$1" 2>/dev/null
  [ "$_shim_line" = '# pip-uv-shim launcher' ]
}

# Sets _shim_target to the first other executable of our name on PATH that is not in the list $1,
# else to the first of all.
_shim_find() {
  _shim_rest=${PATH-/bin:/usr/bin}:
  _shim_target=
  while [ -n "$_shim_rest" ]; do
    _shim_entry=${_shim_rest%%:*}
    _shim_rest=${_shim_rest#*:}
    _shim_candidate=${_shim_entry:-.}/$_shim_name
    if [ "${_shim_entry:-.}" -ef "$_shim_folder" ]; then
      continue
    elif [ -f "$_shim_candidate" ] && [ -x "$_shim_candidate" ]; then
      if [ "$_shim_candidate" -ef "$_shim_self" ] || _shim_is_ours "$_shim_candidate"; then
        continue
      fi
      case :$1: in
        *:"$_shim_candidate":*) _shim_target=${_shim_target:-$_shim_candidate} ;;
        *)
          _shim_target=$_shim_candidate
          return
          ;;
      esac
    fi
  done
}

# Whether any other executable of our name follows the target on PATH: only then can anything be
# passed over.
_shim_has_more() {
  while [ -n "$_shim_rest" ]; do
    _shim_entry=${_shim_rest%%:*}
    _shim_rest=${_shim_rest#*:}
    if [ -f "${_shim_entry:-.}/$_shim_name" ] && ! [ "${_shim_entry:-.}" -ef "$_shim_folder" ]; then
      return 0
    fi
  done
  return 1
}

# Whether our words, whose lengths are those of the command that was started last, are that command:
# repeated_command.py tells by its sum. Where nobody can tell, lengths decide.
_shim_repeats() {
  case ${_SHIM_WORDS-} in
    ?*:?*) ;;
    *) return 0 ;;
  esac
  [ -x "$_shim_python" ] && [ -r "${_shim_hot%/*}/hotpath/repeated_command.py" ] || return 0
  printf '%s\0' "$PWD" "$@" |
    "$_shim_python" -IS "${_shim_hot%/*}/hotpath/repeated_command.py" "$_SHIM_WORDS"
  [ $? -ne 3 ]
}

# Sets _shim_shape to the lengths of our words, and _shim_trail to the targets that led back to us
# with the same command, or with words of their own before or behind it. A child of the real tool
# that runs the tool again says something else, or elsewhere.
_shim_recognise() {
  _shim_shape=
  if [ $# -lt 100 ]; then
    for _shim_word; do
      _shim_shape=$_shim_shape${#_shim_word}:
    done
  fi
  _shim_trail=
  case :$_shim_shape in
    :"${_SHIM_SHAPE-}" | *:"${_SHIM_SHAPE:-none}"*)
      if [ -n "${_SHIM_LAST-}" ] && _shim_repeats "$@"; then
        _shim_trail=$_SHIM_LAST
      fi
      ;;
  esac
}

# Whether any config file has an [[index]], or cannot be read. Asked only where our Python is gone,
# and then of the truth, not of a marker. The places are those of config/settings.py and
# config/former_places.py.
_shim_has_index() {
  case ${SHIM_CONFIG_FILE-} in
    '')
      set -- /etc/xdg "${HOME-}/Library/Application Support" '/Library/Application Support'
      case ${XDG_CONFIG_HOME-} in
        /*) set -- "$XDG_CONFIG_HOME" "$@" ;;
        *) set -- "${HOME-}/.config" "$@" ;;
      esac
      for _shim_entry; do
        set -- "$@" "$_shim_entry/shim/config.toml" "$_shim_entry"/shim/config.d/*.toml
      done
      ;;
    '~/'*) set -- "${HOME-}/${SHIM_CONFIG_FILE#??}" ;;
    *) set -- "$SHIM_CONFIG_FILE" ;;
  esac
  for _shim_file; do
    [ -f "$_shim_file" ] || continue
    [ -r "$_shim_file" ] || return 0
    while IFS=' 	' read -r _shim_line || [ -n "$_shim_line" ]; do
      case $_shim_line in
        '[['*index* | index=* | 'index '*=*) return 0 ;;
      esac
    done <"$_shim_file"
  done
  return 1
}

# Whether SIGPIPE (bit 12) is ignored here: field 33 of proc(5)'s stat, counted after the name,
# which may hold anything. The builtin `read` takes a byte at a time in some shells, and this file
# has a third of the length of `status`.
_shim_ignores_sigpipe() {
  [ -r /proc/self/stat ] && IFS= read -r _shim_line </proc/self/stat || return 1
  set -- ${_shim_line##*)}
  [ $((${31:-0} & 4096)) -ne 0 ]
}

_shim_say() {
  printf 'shim: %s\n' "$@" >&2
}

# `shim which NAME` asks here, so that there is one look-up only.
if [ -n "${_SHIM_WHICH-}" ]; then
  _shim_name=$_SHIM_WHICH
  _shim_find ""
  [ -n "$_shim_target" ] || exit 127
  printf '%s\n' "$_shim_target"
  exit 0
fi

if [ "$_shim_name" != shim ]; then
  # Other shims (pyenv's "system", a wrapper of your own) may find us again. What led back to us is
  # passed over, and PATH stays as it is: the children of the real tool are to find us there.
  _shim_recognise "$@"
  _shim_find "$_shim_trail"
  if [ -z "$_shim_target" ] && [ "$_shim_name" != keyring ]; then
    _shim_python= # there is nothing to become: see below
  fi

  _shim_depth=${_SHIM_DEPTH:-0}
  case $_shim_depth in
    *[!0-9]* | 0?* | ????*) _shim_depth=0 ;;
  esac
  if [ "$_shim_depth" -ge 250 ]; then
    _shim_say "error[loop]: $_shim_name was started through launchers 250 times over"
    printf 'hint: type -a %s shows who calls whom\n' "$_shim_name" >&2
    exit 126
  fi
  export _SHIM_LAST="$_shim_trail${_shim_trail:+:}$_shim_target" _SHIM_SHAPE="$_shim_shape" \
    _SHIM_DEPTH=$((_shim_depth + 1))
  unset _SHIM_WORDS

  _shim_direct=
  case ${SHIM_BYPASS:-0} in
    0) ;;
    *) _shim_direct=1 ;;
  esac
  # What never asks an index, whatever else is typed; made from tools/ by `shim install`.
@NEVER_NEEDS_INDEX@
  if [ -n "$_shim_direct" ] && [ -n "$_shim_target" ]; then
    # Only what starts the user's own programs is ever within itself, and a process more costs a
    # millisecond.
    case " $* " in
      *' run '* | *' shell '* | *' exec '*)
        if _shim_has_more; then
          export _SHIM_WORDS="$#:$(printf '%s\0' "$PWD" "$@" | cksum 2>/dev/null)"
        fi
        ;;
    esac
    exec "$_shim_target" "$@"
  fi
fi

# A prefix that was moved as a whole has everything where it was, as seen from here.
if [ ! -r "$_shim_hot" ] && [ -f "${_shim_folder%/*}/installed" ]; then
  for _shim_entry in "${_shim_folder%/*}/venv/lib/python3"*/site-packages; do
    if [ -r "$_shim_entry/shim/start.py" ]; then
      _shim_site=$_shim_entry
      _shim_hot=$_shim_entry/shim/start.py
    fi
  done
fi
if [ -x "$_shim_python" ] && [ -r "$_shim_hot" ]; then
  # Our Python ignores SIGPIPE from its start on, so only here can be seen whether the user had it
  # ignored.
  _shim_ignored=0
  if _shim_ignores_sigpipe; then
    _shim_ignored=1
  fi
  exec "$_shim_python" -IS "$_shim_hot" "$_shim_site" "$_shim_name" "$_shim_target" \
    "$_shim_self" $_shim_ignored "$@"
fi

# A launcher whose tool is not there, not yet or not any more, ends as if it were not there either:
# in the words of the shell that asked, where /proc names it.
if [ -z "$_shim_python" ]; then
  _shim_line=
  [ ! -r /proc/$PPID/comm ] || IFS= read -r _shim_line </proc/$PPID/comm
  case $_shim_line in
    zsh) _shim_words="zsh: command not found: $_shim_name" ;;
    fish) _shim_words="fish: Unknown command: $_shim_name" ;;
    busybox) _shim_words="sh: $_shim_name: not found" ;;
    sh | dash | ash) _shim_words="$_shim_line: $_shim_name: not found" ;;
    *) _shim_words="${_shim_line:-sh}: $_shim_name: command not found" ;;
  esac
  printf '%s\n' "$_shim_words" >&2
  exit 127
fi

# Ours is gone, or something on the way to it is closed to this user, as root's home is to all
# others.
_shim_trouble='the Python that shim was installed with is gone'
_shim_mend='run install.sh again'
_shim_entry=$_shim_python
[ ! -x "$_shim_python" ] || _shim_entry=$_shim_hot
while [ -n "$_shim_entry" ] && [ ! -e "$_shim_entry" ]; do
  _shim_entry=${_shim_entry%/*}
done
if [ -n "$_shim_entry" ] && { [ ! -d "$_shim_entry" ] || [ ! -x "$_shim_entry" ]; }; then
  _shim_trouble="this user may not run the Python that shim was installed with ($_shim_entry is closed to it)"
  _shim_mend="run install.sh --force --prefix ${_shim_folder%/*} --python /usr/bin/python3 as root, or name another one that all may run"
fi

case $_shim_name in
  shim)
    _shim_say "error[no-interpreter]: $_shim_trouble"
    printf 'hint: %s\n' "$_shim_mend" >&2
    exit 126
    ;;
  @FALLS_BACK_TO_OTHER_INDEXES@)
    if _shim_has_index; then
      _shim_say \
        "error[no-interpreter]: $_shim_trouble, and $_shim_name would take private packages from elsewhere"
      printf 'hint: %s, or SHIM_BYPASS=1 %s ... to run it all the same\n' "$_shim_mend" \
        "$_shim_name" >&2
      exit 77
    fi
    ;;
esac
if [ -z "$_shim_target" ]; then
  exit 127
fi
_shim_say \
  "warning[no-interpreter]: $_shim_trouble; $_shim_name runs without credentials ($_shim_mend)"
exec "$_shim_target" "$@"
