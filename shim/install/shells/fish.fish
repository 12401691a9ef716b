# Written by `shim activate`. Nothing here starts a process, but for one: a tool that is new on PATH gets its launcher.
function _shim_without --description 'PATH, or another list by its name, without the folders named'
  for shim_entry in $$argv[1]
    contains -- $shim_entry $argv[2..-1]; or printf '%s\n' $shim_entry
  end
end

# fish tells of every change of PATH, so the launchers are in front again at once, by another path of the same folder: mise takes
# what it saw at its start for the user's and moves venvs behind it.
function _shim_settle --on-variable PATH
  test -x @SHIMS@/shim; and status is-interactive; or return 0
  if test "$PATH[1]" != @HOOK@
    set -gx PATH @HOOK@ (_shim_without PATH @HOOK@)
    return
  end
  contains -- @FACES@ $PATH; or set -gx PATH $PATH @FACES@
  for shim_name in @NAMES@
    if test ! -e @SHIMS@/$shim_name; and test -w @SHIMS@; and command -sq $shim_name
      @SHIMS@/shim install --quiet --shims @SHIMS@ $shim_name
    end
  end
end

# A tool may have brought another one, by the same PATH.
function _shim_after --on-event fish_postexec
  for shim_word in (string split ' ' -- $argv)
    contains -- $shim_word @NAMES@; and _shim_settle; and return
  end
end

function _shim_first_prompt --on-event fish_prompt
  functions -e _shim_first_prompt
  _shim_settle
end

function shim
  if test "$argv[1]" = deactivate
    functions -e _shim_settle _shim_after _shim_first_prompt
    # What others put back later has us in it as well: `deactivate` of a venv, mise and direnv, which writes what only a program can read.
    for shim_name in PATH _OLD_VIRTUAL_PATH __MISE_ORIG_PATH
      set -q $shim_name; and set $shim_name (_shim_without $shim_name @SHIMS@ @HOOK@ @FACES@)
    end
    set -q DIRENV_DIFF; and set -gx DIRENV_DIFF (@SHIMS@/shim deactivate --direnv)
    set -g fish_complete_path (string match -v -- @COMPLETE@ $fish_complete_path)
    complete -c shim -e
    functions -e _shim_without shim
  else
    @SHIMS@/shim $argv
  end
end

# What completes `shim` is read when Tab is first pressed.
status is-interactive; and not contains -- @COMPLETE@ $fish_complete_path; and set -g fish_complete_path $fish_complete_path @COMPLETE@
set -gx PATH @SHIMS@ @FACES@ (_shim_without PATH @SHIMS@ @HOOK@ @FACES@)
