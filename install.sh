#!/bin/sh
# Installs pip-uv-shim from the folder that this script lies in (or from a folder of wheels), for
# one user or for a machine.
#
# Makes PREFIX/venv (our Python packages), PREFIX/shims and PREFIX/faces (launchers),
# PREFIX/activate, PREFIX/complete and PREFIX/man (what shells read, what Tab completes, the manual
# page), PREFIX/installed (what was installed from what), and marked lines in the rc file of your
# shell. Run it again to upgrade or to repair; --uninstall takes all of it away.

# zsh splits words in a way of its own.
[ -z "${ZSH_VERSION-}" ] || exec sh "$0" "$@"

set -u
# What we install is code: readable by all, writable by its owner, whatever the user keeps private
# by default.
umask 022

usage() {
  cat <<'END'
usage: ./install.sh [FLAGS]

  --prefix DIR       where to install (default: ${XDG_DATA_HOME:-~/.local/share}/shim)
  --python PY        the Python for shim itself, 3.11 or newer (default: the newest on PATH)
  --wheels DIR       install from this folder of wheels, with no package index at all
  --config FILE      take over a team's settings from a file or an https URL:
                     shim setup --from FILE shows them and asks
  --yes, --sha256 HASH, --ca-bundle FILE, --allow KEY
                     with --config: as shim setup has them (no question, this very file,
                     the server's authority, leave for KEY)
  --force            install again, even if nothing has changed
  --no-modify-path   leave the shell's rc file alone
  --system           for a whole machine or a container image: /opt/shim, /etc/profile.d
                     and launchers for every known tool; run as root
  --sudo             with --system: sudo finds the launchers too (/etc/sudoers.d/zz-shim)
  --demo             install, then show it working against a private index on this machine
  --uninstall        remove exactly what was installed
  --purge            with --uninstall: first forget every credential that shim stored for you,
                     and its lists and logs
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
  new= output= pip= swapped= claimed= missing= nl='
'
  prefix= python= wheels= config= words= yes= force= modify_path=1 system= sudo= demo= uninstall= \
    purge= quiet=
  while [ $# -gt 0 ]; do
    case $1 in
      --prefix | --python | --wheels | --config | --sha256 | --ca-bundle | --allow)
        [ $# -ge 2 ] || fail "$1 needs a value" './install.sh --help'
        case $1 in
          --prefix) prefix=$2 ;;
          --python) python=$2 ;;
          --wheels) wheels=$2 ;;
          --config) config=$2 ;;
          --ca-bundle)
            authority=$([ "$2" = system ] && echo system || absolute "$2")
            words="$words $1 $(quoted "$authority")"
            ;;
          *) words="$words $1 $(quoted "$2")" ;;
        esac
        shift
        ;;
      --prefix=*) prefix=${1#*=} ;;
      --python=*) python=${1#*=} ;;
      --wheels=*) wheels=${1#*=} ;;
      --config=*) config=${1#*=} ;;
      --yes) yes=1 words="$words --yes" ;;
      --no-modify-path) modify_path= ;;
      --force) force=1 ;;
      --system) system=1 ;;
      --sudo) sudo=1 ;;
      --demo) demo=1 ;;
      --uninstall) uninstall=1 ;;
      --purge) purge=1 ;;
      --quiet | -q) quiet=1 ;;
      --help | -h) usage && exit 0 ;;
      *) fail "unknown flag $1" './install.sh --help' ;;
    esac
    shift
  done
  [ -n "$config" ] || [ -z "$words" ] ||
    fail "these belong to --config:$words" './install.sh --config FILE, with them'
  [ -n "$uninstall" ] || [ -z "$purge" ] ||
    fail '--purge belongs to --uninstall' './install.sh --uninstall --purge'
  [ -n "$system" ] || [ -z "$sudo" ] ||
    fail '--sudo belongs to --system' './install.sh --system --sudo'
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
  prefix=$(absolute "$prefix")
  [ -z "$wheels" ] || wheels=$(absolute "$wheels")
  [ -z "$config" ] || config=$(absolute "$config")
  stamp=$prefix/installed
  case $prefix in
    *:*) fail "PATH cannot hold $prefix: it has a colon" 'choose another --prefix' ;;
  esac
  source=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
}

# Prints a path as one that counts from everywhere; a URL is one.
absolute() {
  case $1 in
    /* | *://*) printf '%s' "$1" ;;
    *) printf '%s/%s' "$(pwd)" "$1" ;;
  esac
}

is_new_enough() {
  "$1" -IS -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

can_make_venv() {
  command -v uv >/dev/null 2>&1 || "$1" -I -c 'import venv, ensurepip' 2>/dev/null
}

# Whether everybody can run the program $1, as far as that matters: in a home nobody else can.
is_for_all() {
  [ -n "$system" ] || return 0
  case $(readlink -f -- "$(command -v "$1")") in
    /root/* | "${HOME:-/root}"/*) return 1 ;;
  esac
}

get_python='apt install python3 python3-venv (dnf or brew install python3, apk add python3)'

find_python() {
  if [ -n "$python" ]; then
    command -v -- "$python" >/dev/null 2>&1 ||
      fail "there is no $python" 'give --python a path or a name on PATH'
    is_new_enough "$python" ||
      fail "$python is too old: $("$python" -V 2>&1); shim itself needs 3.11 or newer" \
        'the tools that it wraps may run on any Python; --python PY names another for shim'
    return
  fi
  # Some are new enough and cannot make a venv, as Debian's without python3-venv, which images with
  # a Python of their own have too.
  for can in can_make_venv true; do
    # Other users must be able to run it as well, which one in root's home they cannot. Behind those
    # on PATH come the system's, Homebrew's, and pyenv's, whose `python3` may be one that nobody has
    # chosen a release for.
    for candidate in ${system:+/usr/bin/python3} python3 \
      python3.15 python3.14 python3.13 python3.12 python3.11 \
      /usr/bin/python3 /opt/homebrew/bin/python3 /usr/local/bin/python3 \
      "${PYENV_ROOT:-${HOME-}/.pyenv}"/versions/3.*/bin/python3; do
      if command -v "$candidate" >/dev/null 2>&1 && is_for_all "$candidate" &&
        is_new_enough "$candidate" && "$can" "$candidate"; then
        python=$candidate
        return
      fi
    done
  done
  if command -v uv >/dev/null 2>&1 &&
    python=$(SHIM_BYPASS=1 uv python find --no-project '>=3.11' 2>/dev/null) &&
    is_for_all "$python" && is_new_enough "$python"; then
    return
  fi
  if command -v python3 >/dev/null 2>&1; then
    is_for_all python3 ||
      fail "python3 lies in a home folder ($(command -v python3)), where others cannot run it" \
        "$get_python, or name one for all with --python PY"
    fail "python3 is too old: $(python3 -V 2>&1); shim itself needs 3.11 or newer" \
      'install one beside it and name it with --python PY'
  fi
  fail 'there is no python3 on PATH; shim itself needs 3.11 or newer' \
    "$get_python, or name one with --python PY"
}

# What decides whether there is anything to do: the sources, the interpreter, and where from. Empty
# where there is no cksum.
checksum() {
  command -v cksum >/dev/null 2>&1 || return 0
  {
    "$python" -IS -c 'import sys; print(sys.version, sys._base_executable)'
    printf '%s\n' "$prefix" "$wheels"
    if [ -n "$wheels" ]; then
      cat "$wheels"/*.whl 2>/dev/null | cksum
    else
      find "$source/shim" "$source/pyproject.toml" "$source/install.sh" \
        -type f ! -name '*.pyc' -exec cksum {} + | LC_ALL=C sort
    fi
  } | cksum
}

# PREFIX/installed: `pip-uv-shim CHECKSUM`, then `prefix PREFIX`, where it came from (`source DIR`,
# `wheels DIR`, `commit ID`), and a line for each thing outside that we made (`made PATH`, files
# before folders and folders from the inside out), completed (`joined FILE`: its last line had no
# end) or gave lines to (`wrote FILE`). What has no such first line is not ours.
is_ours() {
  case $(head -n 1 "$stamp" 2>/dev/null) in
    'pip-uv-shim '*) return 0 ;;
    *) return 1 ;;
  esac
}

is_up_to_date() {
  [ -z "$force" ] && [ -n "$sum" ] &&
    [ "$(head -n 1 "$stamp" 2>/dev/null)" = "pip-uv-shim $sum" ] && is_intact
}

# Whether every module is as it was installed: each package has a list of its files with their
# hashes (RECORD). What lies outside of the folder of packages are scripts, which we take away
# ourselves.
is_intact() {
  "$prefix/venv/bin/python" -I -c 'if True:
    import base64, csv, hashlib, sys
    from importlib import metadata
    import shim.install.launchers
    for package in metadata.distributions():
        # Not `package.files`: from Python 3.12 on it leaves out what is not there.
        for name, said, _ in csv.reader((package.read_text("RECORD") or "").splitlines()):
            if not said or name.startswith("../"):
                continue
            kind, _, value = said.partition("=")
            found = hashlib.new(kind, package.locate_file(name).read_bytes()).digest()
            if base64.urlsafe_b64encode(found).rstrip(b"=").decode() != value:
                sys.exit(1)
' 2>/dev/null
}

# The commit of a checkout that is no release, empty for anything else.
find_commit() {
  [ -z "$wheels" ] && [ -e "$source/.git" ] && command -v git >/dev/null 2>&1 || return 0
  set -- git -c safe.directory='*' -C "$source"
  "$@" describe --exact-match --tags HEAD >/dev/null 2>&1 || "$@" rev-parse --short HEAD 2>/dev/null
}

# Writes the stamp with the first line $1 and keeps, or adds, the lines of what we made.
write_stamp() {
  {
    printf 'pip-uv-shim %s\n' "$1"
    if is_ours; then
      tail -n +2 "$stamp" | grep -v '^source \|^wheels \|^commit '
    fi
    printf 'source %s\n' "$source"
    [ -z "$wheels" ] || printf 'wheels %s\n' "$wheels"
    commit=$(find_commit)
    [ -z "$commit" ] || printf 'commit %s\n' "$commit"
    grep -qxF "prefix $prefix" "$stamp" || printf 'prefix %s\n' "$prefix"
    printf '%s' "$missing" | sed 's/^/made /'
  } 2>/dev/null >"$prefix/.installed-$$" && mv -f "$prefix/.installed-$$" "$stamp" || {
    rm -f "$prefix/.installed-$$"
    fail "cannot write $prefix/installed"
  }
  missing=
}

# The folder was moved since: rc files forget its old place, and what was made there is now here.
follow_move() {
  was=$(sed -n 's/^prefix //p' "$stamp" 2>/dev/null)
  if [ -z "$was" ] || [ "$was" = "$prefix" ] || [ -e "$was/installed" ]; then
    return 0
  fi
  here=$prefix
  prefix=$was
  remove_rc
  ! has_sudoers || sudo=1
  prefix=$here
  while IFS= read -r line; do
    case $line in
      "prefix $was") printf 'prefix %s\n' "$prefix" ;;
      "made $was" | "made $was/"*) printf 'made %s\n' "$prefix${line#"made $was"}" ;;
      *) printf '%s\n' "$line" ;;
    esac
  done <"$stamp" | replace_file "$stamp" || fail "cannot write $stamp"
}

# Everything is made in a folder of its own and put in place by renaming, so that nothing is ever
# half there.
build() {
  for place in venv installed; do
    if [ -e "$prefix/$place" ] && ! is_ours; then
      fail "$prefix/$place is there already and is not ours" \
        'choose another --prefix, or move it away'
    fi
  done
  make_folder "$prefix"
  remove_stale
  new=$prefix/.new-$$
  old=$prefix/.old-$$
  mkdir "$new" 2>/dev/null ||
    fail "cannot write to $prefix" 'choose another place with --prefix DIR'
  if [ -n "$wheels" ]; then
    [ -d "$wheels" ] ||
      fail "there is no folder $wheels" 'give --wheels the folder that holds the wheels'
    # What asks CI services for identities, what speaks to SOCKS proxies, and what reads TOML 1.1 is
    # optional: it counts if it is among the wheels.
    extras=
    for wheel in "$wheels"/id-*.whl "$wheels"/[Pp]y[Ss]ocks-*.whl "$wheels"/tomli-*.whl; do
      case ${wheel##*/} in
        id-*) extra=ci ;;
        [Pp]*) extra=socks ;;
        *) extra=toml ;;
      esac
      [ ! -f "$wheel" ] || extras=$extras${extras:+,}$extra
    done
    set -- --no-index --find-links "$wheels" "pip-uv-shim[$extras]"
  else
    [ -f "$source/pyproject.toml" ] ||
      fail "$source is no checkout of pip-uv-shim" \
        'run install.sh where it lies, or give --wheels DIR'
    set -- "${source}[ci,toml,socks]"
  fi
  # No link into uv's cache: what lies there may be another user's, or readable by its owner alone.
  export UV_LINK_MODE=copy
  # Where the packages come from is the user's and the machine's choice, not that of a project we
  # happen to be run in; and they go into our venv whatever else pip is told to do by default. A
  # launcher that is already there must not stand in between.
  cd /
  unset PIP_TARGET PIP_PREFIX PIP_ROOT PIP_PYTHON UV_SYSTEM_PYTHON UV_PYTHON PYTHONHOME PYTHONPATH \
    PYTHONWARNINGS
  export PIP_USER=0 SHIM_BYPASS=1
  # Without a network, the answer is to come in seconds.
  export PIP_RETRIES="${PIP_RETRIES:-1}" PIP_DEFAULT_TIMEOUT="${PIP_DEFAULT_TIMEOUT:-10}"
  export UV_HTTP_RETRIES="${UV_HTTP_RETRIES:-1}" UV_HTTP_TIMEOUT="${UV_HTTP_TIMEOUT:-30}"
  if command -v uv >/dev/null 2>&1 &&
    uv venv --quiet --python "$python" "$new/venv" >/dev/null 2>&1; then
    uv pip install --quiet --python "$new/venv/bin/python" "$@" >/dev/null 2>&1 ||
      install_with_pip "$@"
  else
    install_with_pip "$@"
  fi
  output=$("$new/venv/bin/python" -I -c 'import shim, filelock, keyring, packaging' 2>&1) ||
    explain_failure 'the installed packages cannot be imported'
  lighten || explain_failure 'the installed packages could not be made smaller'
  bring_backends
  # Their first lines name the folder they were made in. Nothing of ours calls them.
  for stub in "$new/venv/bin"/*; do
    case ${stub##*/} in
      python*) ;;
      *) rm -f "$stub" ;;
    esac
  done
  "$new/venv/bin/python" -I -m compileall -q -s "$new" -p "$prefix" "$new/venv" >/dev/null 2>&1
  chmod -R u=rwX,go=rX "$new/venv" || fail "cannot write to $prefix"
  has_room || explain_failure "the disk with $prefix takes no more"
}

# Takes out what no program reads, and takes it off the lists of files: stubs for type checkers,
# tests, and what a package of pure Python was built with.
lighten() {
  output=$("$new/venv/bin/python" -I -c 'if True:
    import contextlib, csv, os
    from importlib import metadata
    for package in metadata.distributions():
        rows = list(csv.reader((package.read_text("RECORD") or "").splitlines()))
        names = [row[0] for row in rows]
        kinds = ["/tests/"]
        if not any(name.endswith(".so") for name in names):
            kinds.append(".dist-info/sboms/")
        spare = [
            name for name in names if name.endswith(".pyi") or any(kind in name for kind in kinds)
        ]
        for path in map(os.fspath, map(package.locate_file, spare)):
            with contextlib.suppress(OSError):
                os.unlink(path)
                os.removedirs(os.path.dirname(path))
        for name in names if spare else ():
            if name.endswith(".dist-info/RECORD"):
                with open(package.locate_file(name), "w", encoding="utf-8", newline="") as stream:
                    kept = [row for row in rows if row[0] not in spare]
                    csv.writer(stream, lineterminator="\n").writerows(kept)
' 2>&1)
}

# What `shim backend add` put into the environment that this one replaces. One that cannot be had
# now is no reason not to upgrade.
bring_backends() {
  [ -s "$prefix/backends" ] || return 0
  set --
  while IFS= read -r backend; do
    set -- "$@" "$backend"
  done <"$prefix/backends"
  [ -z "$wheels" ] || set -- --no-index --find-links "$wheels" "$@"
  { [ -n "$pip" ] && run_pip "$@"; } ||
    uv pip install --quiet --python "$new/venv/bin/python" "$@" >/dev/null 2>&1 ||
    say "could not bring along $(tr '\n' ' ' <"$prefix/backends"); add it again: shim backend add NAME"
}

# What a run that was killed outright left behind.
remove_stale() {
  for stale in "$prefix"/.new-* "$prefix"/.old-* "$prefix"/.installed-*; do
    [ ! -e "$stale" ] || kill -0 "${stale##*-}" 2>/dev/null || rm -rf "$stale"
  done
}

# Prints the pip in the wheel that Python makes environments with (shim/cli/backend.py has the
# sources). It runs from there, so that none has to be in ours.
find_pip() {
  "$python" -IS -c 'if True:
    import glob, sysconfig
    bundled = sysconfig.get_path("stdlib") + "/ensurepip/_bundled"
    wheels = [
        wheel
        for folder in (sysconfig.get_config_var("WHEEL_PKG_DIR"), bundled)
        if folder
        for wheel in sorted(glob.glob(folder + "/pip-*.whl"), reverse=True)
    ]
    print(*[wheel + "/pip" for wheel in wheels[:1]])
' 2>/dev/null
}

install_with_pip() {
  rm -rf "$new/venv"
  pip=$(find_pip)
  if [ -z "$pip" ] || ! "$python" -I -c 'import venv' >/dev/null 2>&1; then
    version=$("$python" -IS -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    fail "$python has no venv module (or no ensurepip)" \
      "apt install python$version-venv (Debian, Ubuntu; others have it in python3), or install uv"
  fi
  output=$("$python" -I -m venv --without-pip "$new/venv" 2>&1) ||
    explain_failure "$python -m venv failed"
  if run_pip "$@"; then
    return 0
  fi
  # An index that lacks what is optional is no reason not to install.
  case $1 in
    *'[ci,toml,socks]')
      find_network_trouble >/dev/null || { run_pip "${1%'[ci,toml,socks]'}" && return 0; }
      ;;
  esac
  explain_failure 'pip could not install the packages'
}

run_pip() {
  output=$("$new/venv/bin/python" -I "$pip" install --quiet --no-compile \
    --disable-pip-version-check --no-warn-script-location "$@" 2>&1)
}

# Whether the disk takes some more. Tried, because Python's venv and compileall do not say that it
# does not.
has_room() {
  head -c 1000000 /dev/zero 2>/dev/null >"$new/room" && rm -f "$new/room"
}

# Prints which host could not be reached and why, if that is what the output of the failed step
# says; fails if it is not.
find_network_trouble() {
  reasons='Name or service not known|Temporary failure in name resolution'
  reasons="$reasons|nodename nor servname provided|Connection refused|Network is unreachable"
  reasons="$reasons|No route to host|timed out|certificate verify failed"
  why=$(printf '%s\n' "$output" | grep -oiE "$reasons" | head -n 1)
  [ -n "$why" ] || return 1
  # Not all pips name the host; without the user and password of its URL.
  set -- "$new/venv/bin/python" -I "$pip" config get global.index-url
  index=${PIP_INDEX_URL:-$("$@" 2>/dev/null || echo https://pypi.org/simple/)}
  host=${index#*://}
  host=${host%%/*}
  printf '%s (%s)\n' "${host##*@}" "$why"
}

# Whether the failed step said one of these, in any letters.
has_said() {
  printf '%s\n' "$output" | grep -qiE "$1"
}

# Ends with what the output of the failed step means.
explain_failure() {
  if has_said 'no space left|disk quota|file too large' || ! has_room; then
    fail "the disk with $prefix is full" \
      'free some 40 MB, or choose another place with --prefix DIR'
  fi
  last=$(printf '%s\n' "$output" | grep -v '^$' | tail -n 1)
  asked='no matching distribution|could not find a version|no solution found'
  if has_said "$asked|connection|failed to fetch"; then
    [ -z "$wheels" ] || explain_missing_wheel
    trouble=$(find_network_trouble) &&
      fail "the package index cannot be reached: $trouble" \
        'connect to the network, set PIP_INDEX_URL to one that can be reached, or use --wheels DIR'
    fail 'the package index did not give what is needed' "is there one? $last; or use --wheels DIR"
  fi
  fail "$1: $last"
}

# Ends with which wheel is missing, and for what: wheels are for one Python and one kind of machine.
explain_missing_wheel() {
  name=$(printf '%s\n' "$output" |
    sed -n 's/.*No matching distribution found for \([^ ;]*\).*/\1/p' | tail -n 1)
  machine=$("$python" -IS -c 'if True:
    import sys, sysconfig
    print("Python %d.%d on %s" % (*sys.version_info[:2], sysconfig.get_platform()))')
  how='it must hold pip-uv-shim and all it depends on'
  [ ! -f "$source/pyproject.toml" ] ||
    how="$how: $python -m pip wheel -w $(quoted "$wheels") $(quoted "$source")"
  fail "there is no wheel of ${name:-a package} for $machine in $wheels" "$how"
}

# Swaps two folders at one stroke, so that a command that starts meanwhile finds the old one or the
# new one (renameat2(2), AT_FDCWD, RENAME_EXCHANGE); fails where the system or the file system
# cannot.
exchange() {
  "$1/bin/python" -I -c 'if True:
    import ctypes, os, sys
    left, right = map(os.fsencode, sys.argv[1:])
    sys.exit(ctypes.CDLL(None).renameat2(-100, left, -100, right, 2) != 0)
' "$1" "$2" 2>/dev/null
}

put_in_place() {
  is_ours || claimed=1
  is_ours || write_stamp unfinished
  # Before the first renaming, not after it: a signal arrives between any two commands.
  swapped=1
  if [ -d "$prefix/venv" ] && exchange "$new/venv" "$prefix/venv"; then
    mv "$new/venv" "$old" || fail "cannot write to $prefix"
  else
    [ ! -d "$prefix/venv" ] || mv "$prefix/venv" "$old" || fail "cannot replace $prefix/venv"
    mv "$new/venv" "$prefix/venv" || fail "cannot write $prefix/venv"
  fi
  write_launchers
  write_stamp "$sum"
  swapped= claimed=
  rm -rf "$old" "$new"
  new=
}

# For a machine or an image, those of tools that come later as well: in a script or a Dockerfile no
# prompt adds them.
write_launchers() {
  run_shim 'the launchers could not be written' install ${system:+--all} --shims "$prefix/shims"
}

# Runs `shim` with the words after $1; ends with its message, or with $1 if it had none.
run_shim() {
  otherwise=$1
  shift
  [ -z "$quiet" ] || set -- "$@" --quiet
  if said=$("$prefix/venv/bin/python" -I -m shim "$@" 2>&1); then
    [ -z "$said" ] || say "$said"
  else
    reason=$(printf '%s\n' "$said" | sed -n 's/^shim: error[^:]*: //p')
    fail "${reason:-$otherwise}" "$(printf '%s\n' "$said" | sed -n 's/^hint: //p')"
  fi
}

# Makes a folder, and adds those that were not there to `missing`, from the inside out.
make_folder() {
  folder=$1
  while [ ! -e "$folder" ] && [ ! -L "$folder" ]; do
    missing=$missing$folder$nl
    folder=$(dirname -- "$folder")
  done
  mkdir -p "$1" 2>/dev/null || fail "cannot write to $1" 'choose another place with --prefix DIR'
}

# Reads lines of paths and removes the folders that are empty; others may have put something there
# since.
remove_empty_folders() {
  while IFS= read -r folder; do
    rmdir "$folder" 2>/dev/null
  done
}

remove_launchers() {
  for folder in "$prefix/shims" "$prefix/faces"; do
    for launcher in "$folder"/*; do
      if [ -f "$launcher" ] &&
        [ "$(sed -n 2p "$launcher" 2>/dev/null)" = '# pip-uv-shim launcher' ]; then
        rm -f "$launcher"
      fi
    done
    rmdir "$folder" 2>/dev/null
  done
  for shell in $shells; do
    rm -f "$prefix/activate/$shell"
  done
  rm -f "$prefix/complete/shim.bash" "$prefix/complete/_shim" "$prefix/complete/shim.fish" \
    "$prefix/man/man1/shim.1"
  rmdir "$prefix/activate" "$prefix/complete" "$prefix/man/man1" "$prefix/man" 2>/dev/null
  [ ! -L "$prefix/hook" ] || rm -f "$prefix/hook"
}

# Whatever ends the script: what was not finished is undone, and an installation that was there
# before is there again.
finish() {
  status=$?
  trap - EXIT
  trap '' INT TERM HUP
  if [ -n "$swapped" ]; then
    if [ -d "$old" ]; then
      rm -rf "$prefix/venv"
      mv "$old" "$prefix/venv" &&
        "$prefix/venv/bin/python" -I -m shim install ${system:+--all} --quiet --shims \
        "$prefix/shims" 2>/dev/null
      # The next run must not take the old one for the new one.
      (write_stamp restored)
    elif [ -n "$claimed" ]; then
      rm -rf "$prefix/venv"
      remove_launchers
    fi
  fi
  [ -z "$new" ] || rm -rf "$new" "$old"
  if [ -n "$claimed" ]; then
    missing=$missing$(sed -n 's/^made //p' "$stamp" 2>/dev/null)
    rm -f "$stamp"
  fi
  printf '%s\n' "$missing" | remove_empty_folders
  exit "$status"
}

interrupted() {
  printf 'install.sh: interrupted; nothing is left half done\n' >&2
  exit "$1"
}

begin_mark='# >>> pip-uv-shim >>>'
end_mark='# <<< pip-uv-shim <<<'

# Prints `SHELL FILE` for a login file; one that is there and may not be written is passed by, since
# interactive shells do without.
login_file() {
  if [ ! -e "$2" ] || [ -w "$2" ]; then
    echo "$1 $2"
  fi
}

# Prints `SHELL FILE` for each file that gets a line of ours: what the user's interactive shell
# reads, and what a login shell reads that is not interactive (`bash -lc`, editors); Debian's
# ~/.bashrc ends early there. For a machine: what login shells read (last of all, since others put
# back the PATH that they saw) and what terminals in an editor read.
rc_files() {
  if [ -n "$system" ]; then
    echo 'sh /etc/profile.d/zz-shim.sh'
    [ ! -f /etc/bash.bashrc ] || echo 'bash /etc/bash.bashrc'
    [ ! -f /etc/bashrc ] || echo 'bash /etc/bashrc'
    [ ! -f /etc/zsh/zshrc ] || echo 'zsh /etc/zsh/zshrc'
    [ ! -d /etc/fish ] || echo 'fish /etc/fish/conf.d/shim.fish'
    return
  fi
  home=${HOME-}
  config_home=${XDG_CONFIG_HOME:-$home/.config}
  case $(shell_name) in
    bash)
      echo "bash $home/.bashrc"
      # bash reads the first of these that is there.
      for login in .bash_profile .bash_login .profile; do
        [ ! -f "$home/$login" ] || break
      done
      login_file sh "$home/$login"
      ;;
    zsh)
      echo "zsh ${ZDOTDIR:-$home}/.zshrc"
      login_file zsh "${ZDOTDIR:-$home}/.zprofile"
      ;;
    fish) echo "fish $config_home/fish/conf.d/shim.fish" ;;
    tcsh) echo "tcsh $(first_there "$home/.tcshrc" "$home/.cshrc")" ;;
    nu) echo "nu $config_home/nushell/config.nu" ;;
    xonsh) echo "xonsh $(first_there "$home/.xonshrc" "$config_home/xonsh/rc.xsh")" ;;
    elvish) echo "elvish $(first_there "$config_home/elvish/rc.elv" "$home/.elvish/rc.elv")" ;;
    mksh) sh_files .mkshrc .profile ;;
    ksh | ksh93) sh_files .kshrc .profile ;;
    yash) sh_files .yashrc .yash_profile ;;
    sh | dash | ash | busybox) echo "sh $home/.profile" ;;
  esac
}

# Prints the name of the user's shell. csh is often a name of tcsh.
shell_name() {
  name=$(basename -- "${SHELL:-sh}")
  [ "$name" != csh ] || name=$(basename -- "$(readlink -f -- "$SHELL")")
  printf '%s' "$name"
}

# Prints $1, or $2 if only that is there. To make the first one where the second one is would take
# that away from some shells.
first_there() {
  if [ ! -f "$1" ] && [ -f "$2" ]; then
    echo "$2"
  else
    echo "$1"
  fi
}

# Prints the files of a shell that takes the text of `sh`: what it reads at a prompt, and what it
# reads at a login.
sh_files() {
  echo "sh $home/$1"
  login_file sh "$home/$2"
}

# Runs $1 with shell and rc set for each line of `rcs`.
each_rc() {
  while read -r shell rc <&3 && [ -n "$rc" ]; do
    "$1" || exit 1
  done 3<<EOF
$rcs
EOF
}

quoted() {
  printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")"
}

# The same for other languages than that of sh.
escaped() {
  printf "'%s'" "$(printf '%s' "$1" | sed "s/[\\\\']/\\\\&/g")"
}

# csh takes ! for history, in quotes as well.
quoted_for_csh() {
  quoted "$1" | sed 's/!/\\!/g'
}

doubled() {
  printf "'%s'" "$(printf '%s' "$1" | sed "s/'/''/g")"
}

raw() {
  printf "r#'%s'#" "$1"
}

# The texts that `shim install` writes.
shells='bash zsh sh fish tcsh nu xonsh elvish'

# Prints the line between the marks: it starts no process. --uninstall looks for exactly this one.
rc_line() {
  case $1 in
    fish) fill quoted "$1" 'if test -r %s; source %s; end' ;;
    # ~/.cshrc is read by other kinds of csh as well.
    tcsh) fill quoted_for_csh "$1" 'if ( $?tcsh && -r %s ) source %s' ;;
    nu) fill raw "$1" 'source (if (%s | path exists) { %s } else { null })' ;;
    xonsh) fill escaped "$1" 'if __import__("os").path.isfile(%s): exec(open(%s).read())' ;;
    elvish) fill doubled "$1" \
      '{ use path; if (path:is-regular &follow-symlink=$true %s) { eval (slurp < %s) } }' ;;
    *) fill quoted "$1" 'if [ -r %s ]; then . %s; fi' ;;
  esac
}

# Prints the line $3 with the file of the text $2 in it, quoted by $1.
fill() {
  file=$("$1" "$prefix/activate/$2")
  printf "$3\n" "$file" "$file"
}

# The same of earlier versions, which is taken out again.
earlier_rc_line() {
  command=$(quoted "$prefix/shims/shim")
  case $1 in
    fish) printf 'if test -x %s; %s activate fish | source; end\n' "$command" "$command" ;;
    *) printf 'if [ -x %s ]; then eval "$(%s activate %s)"; fi\n' "$command" "$command" "$1" ;;
  esac
}

# Fails before anything is made if the rc file could not be written in the end.
check_rc() {
  place=$rc
  while [ ! -e "$place" ]; do
    place=$(dirname -- "$place")
  done
  if [ ! -w "$place" ] || { [ "$place" != "$rc" ] && [ ! -d "$place" ]; }; then
    [ -z "$system" ] || fail "cannot write $rc" 'run it as root'
    fail "cannot write $rc" 'use --no-modify-path, and add the folder of launchers to PATH yourself'
  fi
}

# Puts standard input in place of the file $1: whole or not at all, with its owner and mode, through
# a link. (A file that is mounted on its own cannot be renamed over.)
replace_file() {
  real=$(readlink -f -- "$1") || real=$1
  { [ ! -e "$real" ] || cp -p -- "$real" "$real.shim-$$"; } && cat >"$real.shim-$$" &&
    { mv -f -- "$real.shim-$$" "$real" 2>/dev/null || cat "$real.shim-$$" >"$real"; }
  replaced=$?
  rm -f "$real.shim-$$"
  return $replaced
}

write_rc() {
  grep -qxF "wrote $rc" "$stamp" || printf 'wrote %s\n' "$rc" >>"$stamp"
  if [ -f "$rc" ] && grep -qxF "$(rc_line "$shell")" "$rc"; then
    return 0
  fi
  line=$(earlier_rc_line "$shell")
  if [ -f "$rc" ] && grep -qxF "$line" "$rc"; then
    remove_rc_lines "$rc" "$line" || fail "cannot write $rc"
  fi
  if [ ! -e "$rc" ]; then
    printf 'made %s\n' "$rc" >>"$stamp"
    make_folder "$(dirname -- "$rc")"
    [ -z "$missing" ] || write_stamp "$sum"
  elif [ -n "$(tail -c 1 "$rc")" ]; then
    printf 'joined %s\n' "$rc" >>"$stamp"
  fi
  {
    if [ -f "$rc" ]; then
      cat "$rc"
      [ -z "$(tail -c 1 "$rc")" ] || echo
    fi
    printf '%s\n' "$begin_mark"
    rc_line "$shell"
    printf '%s\n' "$end_mark"
  } | replace_file "$rc" ||
    fail "cannot write $rc; shim is installed all the same" \
      'add the folder of launchers to PATH yourself, or --uninstall'
  say "added lines to $rc; they count in new shells"
}

# Removes our three lines, and only if they are as we wrote them: what somebody has edited is
# theirs.
remove_rc_lines() {
  pattern=$(printf '%s' "$2" | sed 's/[][\.*^$/]/\\&/g')
  ours="/^$begin_mark\\n$pattern\\n$end_mark\$/d"
  rest=$(LC_ALL=C sed "/^$begin_mark\$/{\$!N;\$!N;$ours;}" "$1" && printf x) || return 1
  rest=${rest%x}
  if printf '%s' "$rest" | grep -qxF "$2"; then
    say "left lines in $1 that somebody has edited; without $prefix they do nothing"
    return 0
  fi
  if [ "$(tail -n 1 "$1")" = "$end_mark" ] && grep -qxF "joined $1" "$stamp"; then
    rest=${rest%"$nl"}
  fi
  if [ -z "$rest" ] && grep -qxF "made $1" "$stamp"; then
    rm -f "$1" && say "removed $1"
  else
    printf '%s' "$rest" | replace_file "$1" && say "removed our lines from $1"
  fi
}

# Prints each file that may have lines of ours: those that the stamp names, wherever they are, and
# those that earlier versions wrote.
places_of_rc() {
  sed -n 's/^wrote //p' "$stamp"
  printf '%s\n' "${HOME-}/.bashrc" "${ZDOTDIR:-${HOME-}}/.zshrc" \
    "${XDG_CONFIG_HOME:-${HOME-}/.config}/fish/conf.d/shim.fish" "${HOME-}/.profile" \
    /etc/profile.d/zz-shim.sh /etc/bash.bashrc /etc/bashrc /etc/zsh/zshrc /etc/fish/conf.d/shim.fish
}

remove_rc() {
  while IFS= read -r rc <&4; do
    for shell in $shells; do
      for line in "$(rc_line "$shell")" "$(earlier_rc_line "$shell")"; do
        if [ -f "$rc" ] && grep -qxF "$line" "$rc"; then
          remove_rc_lines "$rc" "$line" || fail "cannot write $rc; nothing else was removed"
        fi
      done
    done
  done 4<<EOF
$(places_of_rc)
EOF
}

# What sudo reads beside /etc/sudoers, after all others: a name with a dot in it is not read.
sudoers=/etc/sudoers.d/zz-shim
# root's PATH by `su` lacks the folder.
visudo=$(command -v visudo || command -v /usr/sbin/visudo)
sudoers_mark='# pip-uv-shim: sudo finds the launchers too. '
sudoers_mark="${sudoers_mark}install.sh --uninstall takes this file away."

# Whether that file is there, and of this prefix.
has_sudoers() {
  [ "$(head -n 1 "$sudoers" 2>/dev/null)" = "$sudoers_mark" ] &&
    grep -qF "\"$prefix/shims:" "$sudoers"
}

# Prints the PATH that sudo gives to a command, ours left out; nothing if it keeps the caller's.
sudo_path() {
  path=$(env -i PATH=/nowhere "$(command -v sudo)" -n "$(command -v printenv)" PATH) || return 1
  [ "$path" != /nowhere ] || return 0
  printf '%s:' "$path" | tr : '\n' | grep -vxF -e "$prefix/shims" -e "$prefix/faces" | paste -sd : -
}

# Fails before anything is made if sudo cannot be told of us.
check_sudo() {
  [ "$(id -u)" = 0 ] || fail "cannot write $sudoers" 'run it as root'
  [ -n "$visudo" ] && command -v sudo >/dev/null ||
    fail 'there is no sudo here' 'install it (apt install sudo), or leave --sudo out'
  [ ! -e "$sudoers" ] || [ "$(head -n 1 "$sudoers")" = "$sudoers_mark" ] ||
    fail "$sudoers is not ours" 'move it away, or leave --sudo out'
  output=$("$visudo" -c 2>&1) ||
    fail "sudo's own files have a mistake: $(printf '%s\n' "$output" | tail -n 1)" \
      'visudo -c shows it'
  sudo_path >/dev/null 2>&1 ||
    fail 'sudo lets root run no command, so its secure_path cannot be seen' \
      'add "root ALL=(ALL:ALL) ALL" with visudo, or leave --sudo out'
  # What root runs by its name alone must be root's to write, with every folder that leads there.
  place=$prefix
  while [ "$place" != / ]; do
    [ ! -e "$place" ] ||
      [ -z "$(find "$place" -maxdepth 0 \( ! -user 0 -o -perm -020 -o -perm -002 \))" ] ||
      fail "others than root can write to $place, so sudo must not look there" \
        'choose another --prefix, or leave --sudo out'
    place=$(dirname -- "$place")
  done
}

# Puts the launchers in front of sudo's secure_path; /etc/sudoers stays as it is. sudo refuses every
# command while a file of its own has a mistake, so visudo reads ours before it is put there, and
# all of them after.
write_sudoers() {
  path=$(sudo_path 2>/dev/null)
  if [ -z "$path" ]; then
    say 'sudo keeps the PATH of its caller here, so it finds the launchers already'
    return 0
  fi
  made=/etc/sudoers.d/.zz-shim-$$
  printf '%s\nDefaults secure_path="%s"\n' "$sudoers_mark" \
    "$prefix/shims:$prefix/faces:$path" >"$made" && chmod 0440 "$made" &&
    "$visudo" -cqf "$made" >/dev/null 2>&1 && mv -f "$made" "$sudoers" || {
    rm -f "$made"
    fail "cannot write $sudoers; shim is installed all the same" \
      "put $prefix/shims:$prefix/faces in front of secure_path yourself: visudo"
  }
  if ! "$visudo" -c >/dev/null 2>&1 || [ "$(sudo_path)" != "$path" ] ||
    ! sudo -n sh -c 'command -v shim' 2>/dev/null | grep -qxF "$prefix/shims/shim"; then
    rm -f "$sudoers"
    fail "sudo does not take $sudoers, which is gone again; shim is installed all the same" \
      "put $prefix/shims:$prefix/faces in front of secure_path yourself: visudo"
  fi
  say "sudo finds the launchers, by $sudoers"
}

# Says that we do not know which file the user's shell reads, and what to write there.
explain_shell() {
  cat >&2 <<EOF
install.sh: no rc file has been changed: there is no activation for $(shell_name), which is your \$SHELL
hint: put these folders first on PATH in its rc file: $prefix/shims $prefix/faces; if it understands sh, add: $(rc_line sh)
EOF
}

# Forgets what is stored for this user: in the keyring, in the kernel, in files. Nothing is
# uninstalled if that cannot be done.
purge_credentials() {
  "$prefix/venv/bin/python" -I -c 'import shim.credentials.purge' 2>/dev/null ||
    fail 'this installation is damaged or an older one, which cannot find all that it stored' \
      "mend it first: ./install.sh --prefix $(quoted "$prefix")"
  run_shim 'the credentials could not be forgotten' uninstall --purge --shims "$prefix/shims"
  [ -z "$system" ] || say "what other users stored is theirs: shim uninstall --purge, before this"
}

remove_everything() {
  is_ours || fail "nothing is installed in $prefix" 'give the --prefix that was used'
  if [ -n "$purge" ]; then
    purge_credentials
  fi
  follow_move
  remove_rc
  if has_sudoers; then
    rm -f "$sudoers" && say "removed $sudoers"
  fi
  remove_launchers
  remove_stale
  rm -rf "$prefix/venv" || fail "cannot remove $prefix/venv"
  missing=$(sed -n 's/^made //p' "$stamp")
  rm -f "$stamp" "$prefix/backends"
  if [ -n "$purge" ]; then
    say "removed $prefix"
    return
  fi
  say "removed $prefix; credentials that you stored are kept (--purge forgets them as well)"
}

# Takes over what --config names. `shim setup` shows it, asks, and says what is wrong and what comes
# next.
take_over() {
  eval "set -- $words"
  [ -z "$system" ] || set -- "$@" --system
  (
    [ -z "$quiet" ] || [ -z "$yes" ] || exec >/dev/null
    exec "$prefix/venv/bin/python" -I -m shim setup --from "$config" "$@"
  ) || fail 'shim is installed, and its settings are as they were'
}

# Prints what activates the user's shell without a new one.
activation_now() {
  case $(shell_name) in
    tcsh | nu | xonsh | elvish) rc_line "$(shell_name)" ;;
    *) printf 'eval "$(%s activate%s)"' "$(quoted "$prefix/shims/shim")" \
      "$([ -n "$rcs" ] || echo ' sh')" ;;
  esac
}

# What a person does now: an index, or a look at those that are configured.
say_next() {
  if [ -n "$config" ]; then
    say "that is for a new shell; in this one first: $(activation_now)"
    return
  fi
  verb=setup
  for folder in "${XDG_CONFIG_HOME:-${HOME-}/.config}/shim" /etc/xdg/shim; do
    [ ! -f "$folder/config.toml" ] || verb=status
  done
  if [ -n "$modify_path" ] && [ -n "$rcs" ]; then
    say "next: open a new shell, then type: shim $verb"
    return
  fi
  case $(activation_now) in
    eval*) say "next: $(activation_now) && shim $verb" ;;
    *) say "next: $(activation_now)${nl}then: shim $verb" ;;
  esac
}

main() {
  read_arguments "$@"
  trap finish EXIT
  trap 'interrupted 130' INT
  trap 'interrupted 143' TERM HUP
  if [ -n "$uninstall" ]; then
    remove_everything
    exit 0
  fi
  find_python
  python=$("$python" -IS -c 'import sys; print(sys.executable)')
  [ -n "${HOME-}$system" ] || modify_path=
  rcs=$(rc_files)
  [ -z "$modify_path" ] || each_rc check_rc
  [ -z "$sudo" ] || check_sudo
  sum=$(checksum)
  ! is_ours || follow_move
  if is_up_to_date; then
    write_launchers
  else
    build
    put_in_place
  fi
  [ -z "$modify_path" ] || each_rc write_rc
  [ -z "$modify_path" ] || [ -n "$rcs" ] || explain_shell
  if [ -n "$sudo" ] || has_sudoers; then
    write_sudoers
  fi
  say "shim is in $prefix; undo it with: ./install.sh --uninstall --prefix $(quoted "$prefix")"
  [ -z "$config" ] || take_over
  say_next
  if [ -n "$demo" ]; then
    "$prefix/shims/shim" demo
    exit $?
  fi
}

main "$@"
