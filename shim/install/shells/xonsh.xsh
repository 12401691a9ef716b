# Written by `shim activate`. Nothing here starts a process, but for one: a tool that is new on PATH gets its launcher.
# Plain Python, so that `exec` and `execx` read it.
def _shim_activate():
    import os
    import re
    import shutil
    import subprocess
    import sys

    from xonsh.built_ins import XSH
    from xonsh.events import events

    shims, hook, faces = @SHIMS@, @HOOK@, @FACES@
    command = os.path.join(shims, "shim")

    def without(*folders, entries=None):
        return [entry for entry in entries or XSH.env["PATH"] if entry not in folders]

    # The launchers go in front again at the prompt after something put a venv before them: by another path of the same folder,
    # since mise takes what it saw at its start for the user's and moves venvs behind it.
    def _shim_settle(**_):
        path = list(XSH.env["PATH"])
        if path[:1] == [hook] or not os.path.isfile(command):
            return
        path = [hook, *without(hook)]
        XSH.env["PATH"] = path if faces in path else [*path, faces]
        new = [name for name in "@NAMES@".split() if not os.path.exists(os.path.join(shims, name)) and shutil.which(name, path=os.pathsep.join(path))]
        if new and os.access(shims, os.W_OK):
            subprocess.call([command, "install", "--quiet", "--shims", shims, *new], env=XSH.env.detype())

    # Rewritten as it is typed: as an alias, `shim` would be no program any more, and `shim login` needs the terminal.
    def _shim_words(cmd, **_):
        return re.sub(r"(?m)(^|;)([ \t]*)shim[ \t]+deactivate(?=[ \t]*(;|$))", r"\1\2_shim_deactivate", cmd)

    # What others put back later has us in it as well: `deactivate` of a venv, mise and vox.
    def _shim_deactivate():
        forget()
        vox = getattr(sys.modules.get("xontrib.voxapi"), "Vox", None)
        for saved in (XSH.env, getattr(vox, "oldvars", {})):
            for name in ("PATH", "_OLD_VIRTUAL_PATH", "__MISE_ORIG_PATH"):
                if name in saved:
                    saved[name] = without(shims, hook, faces, entries=saved[name])

    def forget():
        for event in (events.on_pre_prompt, events.on_transform_command):
            for handler in [one for one in event if one.__name__ in ("_shim_settle", "_shim_words")]:
                event.discard(handler)
        XSH.aliases.pop("_shim_deactivate", None)

    forget()
    XSH.env["PATH"] = [shims, faces, *without(shims, hook, faces)]
    if XSH.env.get("XONSH_INTERACTIVE"):
        XSH.aliases["_shim_deactivate"] = _shim_deactivate
        events.on_pre_prompt(_shim_settle)
        events.on_transform_command(_shim_words)


_shim_activate()
del _shim_activate
