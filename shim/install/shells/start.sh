_shim_without "${PATH-}${PATH+:}" @SHIMS@ @HOOK@ @FACES@
PATH=@SHIMS@:@FACES@$_shim_path
export PATH
unset _shim_path
_shim_defined=${_shim_defined-}
_shim_undefine
_shim_define
