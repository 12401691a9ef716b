_shim_shims=@SHIMS@
_shim_rest=${PATH-}:
PATH=$_shim_shims
while [ -n "$_shim_rest" ]; do
  _shim_entry=${_shim_rest%%:*}
  _shim_rest=${_shim_rest#*:}
  [ "$_shim_entry" = "$_shim_shims" ] || PATH=$PATH:$_shim_entry
done
export PATH
unset _shim_shims _shim_rest _shim_entry
