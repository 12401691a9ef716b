#!/bin/sh
# Installs pip-uv-shim from the folder that this script lies in (or from a folder of wheels), for one user or for a machine.
#
# Makes PREFIX/venv (our Python packages), PREFIX/shims and PREFIX/faces (launchers), PREFIX/installed (what was installed from
# what), and marked lines in the rc file of your shell. Run it again to upgrade or to repair; --uninstall takes all of it away.

set -u

usage() {
  cat <<'END'
usage: ./install.sh [FLAGS]

  --prefix DIR       where to install (default: ${XDG_DATA_HOME:-~/.local/share}/shim)
  --python PY        the Python for shim itself, 3.11 or newer (default: the newest on PATH)
  --wheels DIR       install from this folder of wheels, with no package index at all
  --no-modify-path   leave the shell's rc file alone
  --system           for a whole machine or a container image: /opt/shim and /etc/profile.d/shim.sh; run as root
  --demo             install, then show it working against a private index on this machine
  --uninstall        remove exactly what was installed
  --quiet            print errors only
  --help             this text
END
}

say() {
  [ -n "$quiet" ] || printf '%s\n' "$*"
}

# Ends with one message; `finish` clears away what was begun.
fail() {
  printf 'install.sh: %s\n' "$1" >&2
  [ -z "${2-}" ] || printf 'hint: %s\n' "$2" >&2
  exit 1
}

read_arguments() {
  made= new= old= made_venv=
  prefix= python= wheels= modify_path=1 system= demo= uninstall= quiet=
  while [ $# -gt 0 ]; do
    case $1 in
      --prefix | --python | --wheels)
        [ $# -ge 2 ] || fail "$1 needs a value" './install.sh --help'
        case $1 in
          --prefix) prefix=$2 ;;
          --python) python=$2 ;;
          --wheels) wheels=$2 ;;
        esac
        shift
        ;;
      --prefix=*) prefix=${1#*=} ;;
      --python=*) python=${1#*=} ;;
      --wheels=*) wheels=${1#*=} ;;
      --no-modify-path) modify_path= ;;
      --system) system=1 ;;
      --demo) demo=1 ;;
      --uninstall) uninstall=1 ;;
      --quiet | -q) quiet=1 ;;
      --help | -h) usage && exit 0 ;;
      *) fail "unknown flag $1" './install.sh --help' ;;
    esac
    shift
  done
  if [ -z "$prefix" ]; then
    if [ -n "$system" ]; then
      prefix=/opt/shim
    elif [ -n "${XDG_DATA_HOME-}" ]; then
      prefix=$XDG_DATA_HOME/shim
    else
      [ -n "${HOME-}" ] || fail 'HOME is not set' 'say where to with --prefix DIR'
      prefix=$HOME/.local/share/shim
    fi
  fi
  case $prefix in
    /*) ;;
    *) prefix=$(pwd)/$prefix ;;
  esac
  case $prefix in
    *:*) fail "PATH cannot hold $prefix: it has a colon" 'choose another --prefix' ;;
  esac
  source=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
}

is_new_enough() {
  "$1" -IS -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
  if [ -n "$python" ]; then
    command -v -- "$python" >/dev/null 2>&1 || fail "there is no $python" 'give --python a path or a name on PATH'
    is_new_enough "$python" || fail "$python is too old: $("$python" -V 2>&1); shim itself needs 3.11 or newer" 'the tools that it wraps may run on any Python; --python PY names another for shim'
    return
  fi
  first=
  # Other users must be able to run it as well, which one in root's home they cannot.
  [ -z "$system" ] || first=/usr/bin/python3
  for candidate in $first python3 python3.14 python3.13 python3.12 python3.11 /usr/bin/python3; do
    if command -v "$candidate" >/dev/null 2>&1 && is_new_enough "$candidate"; then
      python=$candidate
      return
    fi
  done
  if command -v uv >/dev/null 2>&1 && python=$(SHIM_BYPASS=1 uv python find --no-project '>=3.11' 2>/dev/null) && is_new_enough "$python"; then
    return
  fi
  if command -v python3 >/dev/null 2>&1; then
    fail "python3 is too old: $(python3 -V 2>&1); shim itself needs 3.11 or newer" 'install one beside it and name it with --python PY'
  fi
  fail 'there is no python3 on PATH; shim itself needs 3.11 or newer' 'apt install python3 python3-venv, or name one with --python PY'
}

# What decides whether there is anything to do: the sources, the interpreter, and where from.
checksum() {
  {
    "$python" -IS -c 'import sys; print(sys.version, sys._base_executable)'
    printf '%s\n' "$prefix" "$wheels"
    if [ -n "$wheels" ]; then
      ls -l "$wheels"
    else
      find "$source/shim" "$source/pyproject.toml" "$source/install.sh" -type f ! -name '*.pyc' | LC_ALL=C sort | while IFS= read -r file; do cksum "$file"; done
    fi
  } | cksum
}

# Everything is made in a folder of its own and put in place by renaming, so that nothing is ever half there.
build() {
  make_folder "$prefix"
  new=$prefix/.new-$$
  old=$prefix/.old-$$
  mkdir "$new" 2>/dev/null || fail "cannot write to $prefix" 'choose another place with --prefix DIR'
  log=$new/log
  if [ -n "$wheels" ]; then
    [ -d "$wheels" ] || fail "there is no folder $wheels" 'give --wheels the folder that holds the wheels'
    set -- --no-index --find-links "$wheels" pip-uv-shim
  else
    [ -f "$source/pyproject.toml" ] || fail "$source is no checkout of pip-uv-shim" 'run install.sh where it lies, or give --wheels DIR'
    set -- "$source"
  fi
  # A launcher that is already there must not stand between us and the package index.
  if command -v uv >/dev/null 2>&1 && SHIM_BYPASS=1 uv venv --quiet --python "$(command -v -- "$python")" "$new/venv" >"$log" 2>&1; then
    SHIM_BYPASS=1 uv pip install --quiet --python "$new/venv/bin/python" "$@" >>"$log" 2>&1 || install_with_pip "$@"
  else
    rm -rf "$new/venv"
    install_with_pip "$@"
  fi
  "$new/venv/bin/python" -I -c 'import shim, filelock, keyring, packaging, platformdirs' >>"$log" 2>&1 || explain_failure 'the installed packages cannot be imported'
}

install_with_pip() {
  rm -rf "$new/venv"
  if ! "$python" -I -m venv "$new/venv" >>"$log" 2>&1; then
    if ! "$python" -I -c 'import venv, ensurepip' >/dev/null 2>&1; then
      version=$("$python" -IS -c 'import sys; print("%d.%d" % sys.version_info[:2])')
      fail "$python has no venv module (or no ensurepip)" "apt install python$version-venv (Debian, Ubuntu), or install uv"
    fi
    explain_failure "$python -m venv failed"
  fi
  SHIM_BYPASS=1 "$new/venv/bin/python" -I -m pip install --quiet --disable-pip-version-check --no-warn-script-location "$@" >>"$log" 2>&1 ||
    explain_failure 'pip could not install the packages'
}

explain_failure() {
  if grep -qi 'no space left\|disk quota\|file too large' "$log" 2>/dev/null; then
    fail "the disk with $prefix is full" 'free some 60 MB, or choose another place with --prefix DIR'
  fi
  if grep -qi 'no matching distribution\|could not find a version\|connection\|failed to fetch\|no solution found' "$log" 2>/dev/null; then
    [ -z "$wheels" ] || fail "a package is missing in $wheels" 'it must hold pip-uv-shim and all it depends on: pip download -d DIR pip-uv-shim'
    fail 'the package index did not give what is needed' "is there one? $(tail -n 1 "$log"); or use --wheels DIR"
  fi
  fail "$1: $(tail -n 1 "$log")" 'free some disk space or choose another --prefix; everything begun was removed'
}

put_in_place() {
  rm -f "$log"
  if [ -d "$prefix/venv" ]; then
    mv "$prefix/venv" "$old" || fail "cannot replace $prefix/venv"
  fi
  mv "$new/venv" "$prefix/venv" || fail "cannot write $prefix/venv"
  rm -rf "$old" "$new"
  made_venv=1
  "$prefix/venv/bin/python" -I -m compileall -q "$prefix/venv" >/dev/null 2>&1
  write_launchers || fail 'the launchers could not be written' "df -h $prefix"
  printf '%s\n' "$sum" >"$prefix/installed" || fail "cannot write $prefix/installed"
  new= made_venv= made=
}

write_launchers() {
  set -- install --shims "$prefix/shims"
  [ -z "$quiet" ] || set -- "$@" --quiet
  "$prefix/venv/bin/python" -I -m shim "$@"
}

# Makes a folder and remembers the topmost one that was not there, to take away again after a failure.
make_folder() {
  missing= folder=$1
  while [ ! -e "$folder" ] && [ ! -L "$folder" ]; do
    missing=$folder
    folder=$(dirname -- "$folder")
  done
  made=$missing
  mkdir -p "$1" 2>/dev/null || fail "cannot write to $1" 'choose another place with --prefix DIR'
}

finish() {
  status=$?
  trap - EXIT INT TERM HUP
  if [ -n "${new-}" ]; then
    rm -rf "$new"
    # An upgrade that was interrupted between two renames keeps the old installation.
    if [ -d "${old-}" ]; then
      rm -rf "$prefix/venv" && mv "$old" "$prefix/venv"
    elif [ -n "${made_venv-}" ] && [ ! -e "$prefix/installed" ]; then
      rm -rf "$prefix/venv" "$prefix/shims" "$prefix/faces"
    fi
  fi
  if [ "$status" -ne 0 ] && [ -n "${made-}" ]; then
    rm -rf "$made"
  fi
  exit "$status"
}

begin_mark='# >>> pip-uv-shim >>>'
end_mark='# <<< pip-uv-shim <<<'

rc_file() {
  shell=$(basename -- "${SHELL:-sh}")
  case $shell in
    bash) rc=$HOME/.bashrc ;;
    zsh) rc=${ZDOTDIR:-$HOME}/.zshrc ;;
    fish) rc=${XDG_CONFIG_HOME:-$HOME/.config}/fish/conf.d/shim.fish ;;
    *) shell=sh rc=$HOME/.profile ;;
  esac
}

quoted() {
  printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")"
}

write_rc() {
  if [ -n "$system" ]; then
    rc=/etc/profile.d/shim.sh shell=sh
  else
    [ -n "${HOME-}" ] || return 0
    rc_file
  fi
  if [ -f "$rc" ] && grep -qF "$begin_mark" "$rc"; then
    return 0
  fi
  command=$(quoted "$prefix/shims/shim")
  [ -f "$rc" ] || printf '%s\n' "$rc" >>"$prefix/installed"
  mkdir -p "$(dirname -- "$rc")" 2>/dev/null
  {
    printf '%s\n' "$begin_mark"
    if [ "$shell" = fish ]; then
      printf 'if test -x %s\n  %s activate fish | source\nend\n' "$command" "$command"
    else
      printf 'if [ -x %s ]; then eval "$(%s activate %s)"; fi\n' "$command" "$command" "$shell"
    fi
    printf '%s\n' "$end_mark"
  } >>"$rc" 2>/dev/null || fail "cannot write $rc" 'use --no-modify-path, and add the folder to PATH yourself'
  say "added lines to $rc; they count in new shells"
}

remove_rc() {
  for rc in "${HOME-}/.bashrc" "${ZDOTDIR:-${HOME-}}/.zshrc" "${XDG_CONFIG_HOME:-${HOME-}/.config}/fish/conf.d/shim.fish" "${HOME-}/.profile" /etc/profile.d/shim.sh; do
    if [ -f "$rc" ] && grep -qF "$begin_mark" "$rc" && grep -qF "$(quoted "$prefix/shims/shim")" "$rc" && [ -w "$rc" ]; then
      rest=$(sed "/^$begin_mark\$/,/^$end_mark\$/d" "$rc" && printf x)
      rest=${rest%x}
      if [ -z "$rest" ] && grep -qxF "$rc" "$prefix/installed" 2>/dev/null; then
        rm -f "$rc"
        rmdir "$(dirname -- "$rc")" 2>/dev/null
        say "removed $rc"
      else
        printf '%s' "$rest" >"$rc"
        say "removed our lines from $rc"
      fi
    fi
  done
}

remove_everything() {
  if [ ! -f "$prefix/installed" ]; then
    fail "nothing is installed in $prefix" 'give the --prefix that was used'
  fi
  remove_rc
  for folder in shims faces; do
    for launcher in "$prefix/$folder"/*; do
      if [ -f "$launcher" ] && [ "$(sed -n 2p "$launcher" 2>/dev/null)" = '# pip-uv-shim launcher' ]; then
        rm -f "$launcher"
      fi
    done
    rmdir "$prefix/$folder" 2>/dev/null
  done
  rm -rf "$prefix/venv" || fail "cannot remove $prefix/venv"
  rm -f "$prefix/installed"
  rmdir "$prefix" 2>/dev/null
  say "removed $prefix; credentials that you stored are kept (run \`shim logout --all\` before this to forget them)"
}

main() {
  read_arguments "$@"
  trap finish EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  if [ -n "$uninstall" ]; then
    remove_everything
    exit 0
  fi
  find_python
  sum=$(checksum)
  if [ -f "$prefix/installed" ] && [ "$(head -n 1 "$prefix/installed")" = "$sum" ]; then
    write_launchers || fail 'the launchers could not be written' "df -h $prefix"
  else
    build
    put_in_place
  fi
  [ -z "$modify_path" ] || write_rc
  say "shim is in $prefix; undo it with: ./install.sh --uninstall --prefix $prefix"
  if [ -n "$demo" ]; then
    "$prefix/shims/shim" demo
    exit $?
  fi
}

main "$@"
