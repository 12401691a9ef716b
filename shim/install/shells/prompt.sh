# The launchers go in front again at the prompt after something put a venv before them.
_shim_settle() {
  case ${PATH-} in
    @HOOK@:*) ;;
    *) _shim_go_first ;;
  esac
  case :$PATH: in
    *:@FACES@:*) ;;
    *) PATH=$PATH:@FACES@ ;;
  esac
  _shim_define
  _shim_seen=$PATH
}

