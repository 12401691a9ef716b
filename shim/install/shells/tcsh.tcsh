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
    set -l path = ( $path:q @HOOK@ )
    @ _shim_count = $#path - 1
    set -f path = ( @SHIMS@ @FACES@ $path[-$_shim_count]:q )
    unset _shim_count
    if ( ! $?prompt ) breaksw
    set _shim_file = @FILE@
    set _shim_hook = @HOOK@
    alias shim 'source $_shim_file:q _shim_typed \!*'
    alias _shim_prompt 'if ( "$path[1]" != "$_shim_hook" && -x "$_shim_hook/shim" ) source $_shim_file:q _shim_settle'
    set _shim_precmd = "`alias precmd`"
    if ( "$_shim_precmd:q" =~ *_shim_prompt* ) breaksw
    if ( "$_shim_precmd:q" == '' ) then
      alias precmd _shim_prompt
    else
      alias precmd "$_shim_precmd:q; _shim_prompt"
    endif
    unset _shim_precmd
    breaksw

  case deactivate:
    set -l path = ( $path:q @SHIMS@ @HOOK@ @FACES@ )
    @ _shim_count = $#path - 3
    set path = ( $path[-$_shim_count]:q )
    # Whoever has put theirs behind ours keeps that word.
    set _shim_precmd = "`alias precmd`"
    set _shim_precmd = "$_shim_precmd:s/; _shim_prompt//"
    alias _shim_prompt ''
    if ( "$_shim_precmd:q" == _shim_prompt ) then
      unalias precmd _shim_prompt
    else if ( "$_shim_precmd:q" != '' ) then
      alias precmd "$_shim_precmd:q"
      if ( "$_shim_precmd:q" !~ *_shim_prompt* ) unalias _shim_prompt
    endif
    unalias shim
    unset _shim_count _shim_precmd _shim_file _shim_hook
    breaksw
endsw

# The last line, since its status is that of the alias.
if ( $_shim_task != _shim_typed ) unset _shim_task
if ( $?_shim_task ) @SHIM@ $argv[2-]:q
