# Written by `shim activate`. Nothing here starts a process, but for one: a tool that is new on PATH gets its launcher.
def _shim_without [list: any, ...folders: string] {
  $list | split row (char esep) | where $it not-in $folders
}

# The launchers go in front again at the prompt after something put a venv before them: by another path of the same folder, since
# mise takes what it saw at its start for the user's and moves venvs behind it.
def --env _shim_settle [] {
  if ($env.PATH | split row (char esep) | get --optional 0) == @HOOK@ or not (@SHIM@ | path exists) { return }
  $env.PATH = [@HOOK@ ...(_shim_without $env.PATH @HOOK@)]
  if @FACES@ not-in $env.PATH { $env.PATH ++= [@FACES@] }
  let new = [@NAMES@] | where {|name| not (@SHIMS@ | path join $name | path exists) and (which --all $name | where type == external | is-not-empty) }
  if ($new | is-not-empty) and (^test -w @SHIMS@ | complete).exit_code == 0 { ^@SHIM@ install --quiet --shims @SHIMS@ ...$new | complete | ignore }
}

def _shim_hooks [] {
  $env.config.hooks.env_change.PATH? | default [] | where {|hook| ($hook | describe) != string or $hook != _shim_settle }
}

# A command of its own: `shim` itself is the launcher, which needs the terminal. What mise puts back later has us in it as well.
def --env "shim deactivate" [] {
  $env.config.hooks.env_change.PATH = (_shim_hooks)
  $env.PATH = (_shim_without $env.PATH @SHIMS@ @HOOK@ @FACES@)
  if __MISE_ORIG_PATH in $env { $env.__MISE_ORIG_PATH = (_shim_without $env.__MISE_ORIG_PATH @SHIMS@ @HOOK@ @FACES@ | str join (char esep)) }
}

$env.PATH = [@SHIMS@ @FACES@ ...(_shim_without $env.PATH @SHIMS@ @HOOK@ @FACES@)]
$env.config.hooks.env_change.PATH = [...(_shim_hooks) _shim_settle]
