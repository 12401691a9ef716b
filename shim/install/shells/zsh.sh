# The launchers go in front again at the prompt after something put a venv before them: by another path of the same folder, which
# is on PATH only from the first prompt on. mise takes what it saw at its start for the user's and moves venvs behind it.
_shim_settle() {
  case ${PATH-} in
    @HOOK@:*) ;;
    *)
      _shim_without @HOOK@
      PATH=@HOOK@$_shim_path
      unset _shim_path
      ;;
  esac
  case :$PATH: in
    *:@FACES@:*) ;;
    *) PATH=$PATH:@FACES@ ;;
  esac
  _shim_define
  _shim_seen=$PATH
}

# A function of the user's own goes before ours, and reaches the launcher by PATH.
_shim_is_taken() {
  (( ${+aliases[$1]} || ${+functions[$1]} ))
}

# It is the user's, if it was defined anew since.
_shim_forget() {
  [[ ${functions[$1]-} != *_SHIM_AS=* ]] || unset -f "$1"
}

_shim_prompt() {
  [ "${PATH-}" = "${_shim_seen-}" ] || [ ! -x @SHIMS@/shim ] || _shim_settle
}

# A compinit that comes later finds what completes `shim` by this.
[[ ! -o interactive ]] || fpath=(${fpath:#@COMPLETE@} @COMPLETE@)

if [[ -o interactive && " ${precmd_functions-} " != *" _shim_prompt "* ]]; then
  precmd_functions+=(_shim_prompt)
fi

_shim_forget_prompt() {
  (( ${+precmd_functions} )) || precmd_functions=()
  precmd_functions=(${precmd_functions:#_shim_prompt})
  (( ${#precmd_functions} )) || unset precmd_functions
  fpath=(${fpath:#@COMPLETE@})
  (( ! ${+functions[compdef]} )) || compdef -d shim
  (( ! ${+functions[_shim]} )) || unset -f _shim
  unset -f _shim_settle _shim_prompt
  unset _shim_seen
}
