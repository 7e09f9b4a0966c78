"""Run the ten commands of a teacher's day exactly as README.md prints them, in an empty copy of their surroundings.

The one that starts JupyterLab goes on until the formgrader has shown Ada's notebook.
"""
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parent.parent
PORT, TOKEN = 8799, "day"


def commands():
    """The commands that README.md prints."""
    text = (ROOT / "README.md").read_text()
    block = next(block for block in re.findall(r"```sh\n(.*?)```", text, re.S) if "nnlib.course" in block)
    return [re.sub(r"\s+# .*", "", line) for line in block.splitlines()]


def page(path):
    """A page of the server, waited for."""
    for _ in range(120):
        try:
            with urllib.request.urlopen(f"http://localhost:{PORT}/formgrader{path}?token={TOKEN}") as answer:
                return answer.read().decode()
        except urllib.error.HTTPError:
            raise
        except OSError:
            time.sleep(0.5)
    sys.exit("JupyterLab does not answer")


def look_at_the_formgrader(command, folder, environment):
    server = subprocess.Popen(command, shell=True, cwd=folder, env=environment, start_new_session=True,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        notebooks = json.loads(page("/api/submitted_notebooks/forward/forward"))
        ada, = (notebook for notebook in notebooks if notebook["student"] == "ada")
        shown = page(f"/submissions/{ada['id']}/")
        if "points" not in shown or "forward" not in shown:
            sys.exit("the formgrader does not show Ada's notebook")
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def main():
    lines = commands()
    if len(lines) != 10:
        sys.exit(f"README.md prints {len(lines)} commands, expected ten")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / ".venv").symlink_to(ROOT / ".venv")
        settings = Path(folder) / "jupyter"
        settings.mkdir()
        (settings / "jupyter_server_config.json").write_text(json.dumps(
            {"ServerApp": {"allow_root": True, "open_browser": False, "port": PORT, "port_retries": 0},
             "IdentityProvider": {"token": TOKEN}}))
        environment = os.environ | {"JUPYTER_CONFIG_DIR": str(settings)}
        for line in lines:
            print("$", line, flush=True)
            if "jupyter lab" in line:
                look_at_the_formgrader(line, folder, environment)
            else:
                subprocess.run(line, shell=True, cwd=folder, env=environment, check=True)


if __name__ == "__main__":
    main()
