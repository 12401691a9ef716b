# A function of the user's own goes before ours, and reaches the launcher by PATH.
_shim_is_taken() {
  (( ${+aliases[$1]} || ${+functions[$1]} ))
}

# This way of writing it leaves aliases alone.
_shim_stand_for() {
  functions[$1]="_shim_run $1 \"\$@\""
}

_shim_is_lost() {
  (( ! ${+functions[$1]} ))
}

# It is the user's, if it was defined anew since.
_shim_forget() {
  [[ ${functions[$1]-} != *'_shim_run '* ]] || unset -f "$1"
}

_shim_prompt() {
  [ "${PATH-}" = "${_shim_seen-}" ] || [ ! -x @SHIMS@/shim ] || _shim_settle
}

# zsh gives a job that is a function no name, and `$!` its own process. So a line that begins with a
# tool, and cannot change PATH before, reaches the launcher by PATH; the next prompt brings the
# function back.
_shim_preexec() {
  local word=${3%%[[:space:]]*}
  [[ " $_shim_defined " == *" $word "* && $3 != *(\;|\&\&|\|\||$'\n')* && -x @SHIMS@/$word ]] ||
    return 0
  _shim_lead
  _shim_forget $word
  _shim_seen=
}

# A compinit that comes later finds what completes `shim` by this.
[[ ! -o interactive ]] || fpath=(${fpath:#@COMPLETE@} @COMPLETE@)

if [[ -o interactive && " ${precmd_functions-} " != *" _shim_prompt "* ]]; then
  precmd_functions+=(_shim_prompt)
  preexec_functions+=(_shim_preexec)
fi

_shim_forget_prompt() {
  (( ${+precmd_functions} )) || precmd_functions=()
  precmd_functions=(${precmd_functions:#_shim_prompt})
  (( ${#precmd_functions} )) || unset precmd_functions
  (( ${+preexec_functions} )) || preexec_functions=()
  preexec_functions=(${preexec_functions:#_shim_preexec})
  (( ${#preexec_functions} )) || unset preexec_functions
  fpath=(${fpath:#@COMPLETE@})
  (( ! ${+functions[compdef]} )) || compdef -d shim
  (( ! ${+functions[_shim]} )) || unset -f _shim
  unset -f _shim_settle _shim_prompt _shim_preexec
}
