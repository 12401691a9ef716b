# Read by what `shim activate` prints. Nothing here starts a process, but for one: a tool that is new on PATH gets its launcher.
# The prompt and the alias `shim` read this file as well, with a word of ours before theirs: an alias has no `if` of many lines.
set _shim_task = activate
if ( $#argv ) then
  if ( "$argv[1]" =~ _shim_* ) set _shim_task = "$argv[1]"
endif
if ( $_shim_task == _shim_typed && "$argv[2-]" == deactivate ) set _shim_task = deactivate

switch ( $_shim_task )
  # The launchers go in front again at the prompt after something put a venv before them: by another path of the same folder,
  # since mise takes what it saw at its start for the user's and moves venvs behind it.
  case _shim_settle:
    set -f path = ( @HOOK@ $path:q @FACES@ )
    set _shim_seen = "$PATH:q"
    if ( ! -w @SHIMS@ ) breaksw
    foreach _shim_name ( @NAMES@ )
      if ( -e @SHIMS@/$_shim_name ) continue
      foreach _shim_entry ( $path:q )
        if ( -f "$_shim_entry/$_shim_name" && -x "$_shim_entry/$_shim_name" ) then
          @SHIMS@/shim install --quiet --shims @SHIMS@ $_shim_name
          break
        endif
      end
    end
    rehash
    unset _shim_name _shim_entry
    breaksw

  case activate:
    set -l _shim_path = ( $path:q @HOOK@ )
    @ _shim_count = $#_shim_path - 1
    set -f path = ( @SHIMS@ @FACES@ $_shim_path[-$_shim_count]:q )
    unset _shim_count _shim_path
    if ( ! $?prompt ) breaksw
    set _shim_file = @FILE@
    set _shim_hook = @HOOK@
    alias shim 'source $_shim_file:q _shim_typed \!*'
    set _shim_seen = ''
    alias _shim_precmd 'if ( "$PATH:q" != "$_shim_seen:q" && -x "$_shim_hook/shim" ) source $_shim_file:q _shim_settle'
    # Where direnv has taken the prompt for itself. In here, `source` would be an error.
    alias _shim_postcmd 'if ( "$path[1]" != "$_shim_hook" && -x "$_shim_hook/shim" ) set -f path = ( $_shim_hook:q $path:q )'
    foreach _shim_name ( precmd postcmd )
      set _shim_old = "`alias $_shim_name`"
      if ( "$_shim_old:q" == '' ) then
        alias $_shim_name _shim_$_shim_name
      else if ( "$_shim_old:q" !~ *_shim_$_shim_name* ) then
        alias $_shim_name "$_shim_old:q; _shim_$_shim_name"
      endif
    end
    unset _shim_name _shim_old
    breaksw

  case deactivate:
    # The hooks go first: `postcmd` is run before each line of this. Whoever has put theirs behind ours keeps that word.
    foreach _shim_name ( precmd postcmd )
      set _shim_old = "`alias $_shim_name`"
      set _shim_old = "$_shim_old:s/; _shim_precmd//"
      set _shim_old = "$_shim_old:s/; _shim_postcmd//"
      alias _shim_$_shim_name ''
      if ( "$_shim_old:q" == _shim_$_shim_name ) then
        unalias $_shim_name _shim_$_shim_name
      else if ( "$_shim_old:q" != '' ) then
        alias $_shim_name "$_shim_old:q"
        if ( "$_shim_old:q" !~ *_shim_$_shim_name* ) unalias _shim_$_shim_name
      endif
    end
    set -l path = ( $path:q @SHIMS@ @HOOK@ @FACES@ )
    @ _shim_count = $#path - 3
    set path = ( $path[-$_shim_count]:q )
    # What others put back later has us in it as well: `deactivate` of a venv, and direnv.
    if ( $?_OLD_VIRTUAL_PATH ) then
      set _shim_path = "$PATH:q"
      setenv PATH "$_OLD_VIRTUAL_PATH:q"
      set -l path = ( $path:q @SHIMS@ @HOOK@ @FACES@ )
      @ _shim_count = $#path - 3
      set path = ( $path[-$_shim_count]:q )
      set _OLD_VIRTUAL_PATH = "$PATH:q"
      setenv PATH "$_shim_path:q"
      unset _shim_path
    endif
    if ( $?DIRENV_DIFF ) setenv DIRENV_DIFF "`@SHIM@ deactivate --direnv`"
    unalias shim
    unset _shim_count _shim_name _shim_old _shim_file _shim_hook _shim_seen
    breaksw
endsw

# The last line, since its status is that of the alias.
if ( $_shim_task != _shim_typed ) unset _shim_task
if ( $?_shim_task ) @SHIM@ $argv[2-]:q
