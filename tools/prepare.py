"""Make the virtual environment that every make target runs in.

Plain standard library, and syntax that an old Python can still parse, so that a Python that is
too old is told so. The stamp file is written last and names everything the environment was made
from: an interrupted set-up, an edited pyproject.toml or a moved folder is never taken for ready.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MINIMUM_PYTHON = (3, 11)
NEEDED_GB = 4.0  # 1.4 GB installed (CPU), as much again while wheels are unpacked, and some air
STAMP = ".handlib-ready"

ADVICE = [
    (
        ("No space left on device", "Errno 28", "Disk quota exceeded"),
        "The disk is full. Free a few GB (the CPU build needs {:.0f}, a CUDA build of PyTorch\n"
        "about 10) and run the same command again.".format(NEEDED_GB),
    ),
    (
        (
            "NewConnectionError",
            "Failed to establish a new connection",
            "Temporary failure in name resolution",
            "Name or service not known",
            "Connection refused",
            "Connection broken",
            "ConnectTimeoutError",
            "Network is unreachable",
            "ProxyError",
            "Read timed out",
            "Could not fetch URL",
        ),
        "The package index could not be reached. Check the network, the proxy (HTTPS_PROXY) and\n"
        "pip's own settings (`python3 -m pip config list`), then run the same command again.\n"
        "After the set-up nothing needs the network any more.",
    ),
    (
        ("No matching distribution found", "Could not find a version"),
        "The package index has no build of the package named above for this Python {}.{} on this\n"
        "machine. Try another Python (make PYTHON=python3.12 ...), or another index of PyTorch\n"
        "builds (make TORCH_INDEX=... ; see README.md).".format(*sys.version_info[:2]),
    ),
]


class SetupError(Exception):
    """What went wrong and what to do, for the person who typed make."""


def check_python(version):
    if tuple(version[:2]) < MINIMUM_PYTHON:
        raise SetupError(
            "Python {}.{} or newer is needed; this one ({}) is {}.{}.\n"
            "Name a newer one: make PYTHON=python3.12 ...".format(
                *(MINIMUM_PYTHON + (sys.executable,) + tuple(version[:2]))
            )
        )


def check_disk(folder):
    free = shutil.disk_usage(folder).free / 1e9
    if free < NEEDED_GB:
        raise SetupError(
            "The disk is too full: the set-up needs {:.0f} GB in {}, {:.1f} GB are free.".format(
                NEEDED_GB, folder, free
            )
        )


def fingerprint(venv, torch_index):
    """One hash of all that the environment is made from."""
    digest = hashlib.sha256()
    for name in ("pyproject.toml", "constraints.txt"):
        with open(os.path.join(ROOT, name), "rb") as file:
            digest.update(file.read())
    # Editable installs and console scripts hold absolute paths.
    digest.update(repr((ROOT, os.path.abspath(venv), sys.version, torch_index)).encode())
    return digest.hexdigest()


def is_ready(venv, expected):
    try:
        with open(os.path.join(venv, STAMP)) as file:
            return file.read() == expected
    except OSError:
        return False


def pinned_torch():
    """The requirement that constraints.txt names first."""
    with open(os.path.join(ROOT, "constraints.txt")) as file:
        for line in file:
            if line.startswith("torch=="):
                return line.strip()
    raise SetupError("constraints.txt has no line `torch==...`: restore it from git.")


def advice_for(output):
    for signs, text in ADVICE:
        if any(sign in output for sign in signs):
            return text
    return "pip's own message stands above. Mend what it names and run the same command again."


def run_pip(arguments):
    """Run pip with its progress on the screen; explain a failure in words."""
    # pip shows a progress bar on a terminal only; in a log its list of downloads is noise.
    quiet = [] if sys.stdout.isatty() else ["--quiet"]
    command = arguments + quiet + ["--disable-pip-version-check", "--retries", "2"]
    messages = []
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr:
            messages.append(line)
            if not line.startswith("WARNING: "):
                sys.stderr.write(line)
    if process.returncode != 0:
        warnings = [line for line in messages if line.startswith("WARNING: ")]
        sys.stderr.write("".join(warnings[-3:]))
        raise SetupError(advice_for("".join(messages)))


def has_ensurepip():
    # Debian and Ubuntu put ensurepip into a package of its own (python3-venv).
    try:
        import ensurepip  # noqa: F401
    except ImportError:
        return False
    return True


def make_venv(venv, python):
    bundled_pip = has_ensurepip()
    command = [sys.executable, "-m", "venv", "--clear", venv]
    subprocess.run(command + ([] if bundled_pip else ["--without-pip"]), check=True)
    if not bundled_pip:
        run_pip([sys.executable, "-m", "pip", "--python", python, "install", "pip"])


def step(number, text):
    sys.stdout.write("[{}/4] {}\n".format(number, text))
    sys.stdout.flush()


def prepare(venv, torch_index=""):
    expected = fingerprint(venv, torch_index)
    if is_ready(venv, expected):
        return
    started = time.time()
    check_disk(ROOT)
    python = os.path.join(venv, "bin", "python")
    pip = [python, "-m", "pip", "install", "--constraint", "constraints.txt"]
    index = ["--index-url", torch_index] if torch_index else []
    step(1, "Making {} with Python {}.{}.{}".format(venv, *sys.version_info[:3]))
    make_venv(venv, python)
    step(2, "Installing {} (the largest part: minutes on a slow line)".format(pinned_torch()))
    run_pip(pip + index + [pinned_torch()])
    step(3, "Installing handlib with JupyterLab and the tests' tools")
    run_pip(pip + ["--editable", ".[course,dev]"])
    step(4, "Checking that it imports")
    subprocess.run([python, "-c", "import handlib, torch, jupyterlab"], check=True, cwd=ROOT)
    stamp = os.path.join(venv, STAMP)
    with open(stamp + ".part", "w") as file:
        file.write(expected)
    os.replace(stamp + ".part", stamp)
    sys.stdout.write("Set-up done in {:.0f} s.\n".format(time.time() - started))
    sys.stdout.flush()


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--venv", default=os.path.join(ROOT, ".venv"))
    parser.add_argument("--torch-index", default="", help="index of PyTorch builds to use instead")
    options = parser.parse_args(arguments)
    try:
        check_python(sys.version_info)
        prepare(options.venv, options.torch_index)
    except SetupError as error:
        sys.stderr.write("\nSet-up stopped.\n{}\n".format(error))
        return 1
    except subprocess.CalledProcessError as error:
        sys.stderr.write(
            "\nSet-up stopped: {} failed; its message stands above.\n".format(error.cmd)
        )
        return 1
    except OSError as error:
        sys.stderr.write("\nSet-up stopped: {}.\n{}\n".format(error, advice_for(str(error))))
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\nSet-up interrupted; the next make starts it afresh.\n")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
