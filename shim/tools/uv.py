NEEDLESS=("", "--version")
FALLS_OPEN=False
SECRET_OPTIONS=()
