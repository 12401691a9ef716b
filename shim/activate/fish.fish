set -gx PATH @SHIMS@ (string match -v -- @SHIMS@ $PATH)
