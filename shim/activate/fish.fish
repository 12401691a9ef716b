begin
  while set -l shim_index (contains -i -- @SHIMS@ $PATH)
    set -e PATH[$shim_index]
  end
  set -gx PATH @SHIMS@ $PATH
end
