_shim_without @SHIMS@ @HOOK@ @FACES@
PATH=@SHIMS@:@FACES@$_shim_path
export PATH
unset _shim_path
_shim_defined=${_shim_defined-}
_shim_undefine
_shim_define
