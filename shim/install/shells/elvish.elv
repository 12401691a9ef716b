# Written by `shim activate`. Nothing here starts a process, but for one: a tool that is new on PATH gets its launcher.
use path
use str

fn without {|entries @folders| each {|entry| if (not (has-value $folders $entry)) { put $entry } } $entries }

# The launchers go in front again after something put a venv before them: by another path of the same folder, since mise takes what
# it saw at its start for the user's and moves venvs behind it. That is when a line was typed: at the prompt, direnv could come later.
fn settle {|@_|
  if (or (eq [$@paths ''][0] @HOOK@) (not (path:is-regular @SHIMS@/shim))) { return }
  set paths = [@HOOK@ (without $paths @HOOK@)]
  if (not (has-value $paths @FACES@)) { set paths = [$@paths @FACES@] }
  for name [@NAMES@] {
    if (and (not (path:is-regular @SHIMS@/$name)) (has-external $name) ?(test -w @SHIMS@)) {
      try { (external @SHIM@) install --quiet --shims @SHIMS@ $name } catch { }
    }
  }
}

# Whoever activates twice has one hook: the same text is in both.
fn is-settle {|hook| if (not-eq $hook[body] $settle~[body]) { fail other } }
fn others {|hooks| each {|hook| if (not ?(is-settle $hook)) { put $hook } } $hooks }

# A script has no `edit:`: there is no prompt in it, and nothing to take back.
fn prompt {|code &shim=$nil| try { eval &ns=(ns [&others~=$others~ &settle~=$settle~ &shim=$shim]) $code } catch { } }

fn command {|@words|
  if (not-eq $words [deactivate]) {
    (external @SHIM@) $@words
  } else {
    prompt &shim=(external shim) 'set edit:after-readline = [(others $edit:after-readline)]; edit:add-var shim~ $shim'
    set paths = [(without $paths @SHIMS@ @HOOK@ @FACES@)]
    # What others put back later has us in it as well: mise and direnv.
    if (has-env __MISE_ORIG_PATH) { set-env __MISE_ORIG_PATH (str:join : [(without [(str:split : $E:__MISE_ORIG_PATH)] @SHIMS@ @HOOK@ @FACES@)]) }
    if (has-env DIRENV_DIFF) { set-env DIRENV_DIFF ((external @SHIM@) deactivate --direnv) }
  }
}

set paths = [@SHIMS@ @FACES@ (without $paths @SHIMS@ @HOOK@ @FACES@)]
prompt &shim=$command~ 'set edit:after-readline = [(others $edit:after-readline) $settle~]; edit:add-var shim~ $shim'
