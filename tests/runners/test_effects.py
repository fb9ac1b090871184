"""Effects are recorded for the rest of a process, so all cases run in another one, one after the other."""

import json
import os
import subprocess
import sys
import types

import pytest

from tallow.runners.effects import Effects

USED = {
    "open('data.csv').close()": ["reads data.csv"],
    "import os\nos.close(os.open('data.csv', os.O_RDONLY))": ["reads data.csv"],
    "open(b'data.csv', 'rb').close()": ["reads data.csv"],
    "import numpy\nnumpy.loadtxt('data.csv', skiprows=1)": ["reads data.csv"],
    "import pandas\npandas.read_csv('data.csv')": ["reads data.csv"],
    "import pathlib\npathlib.Path('data.csv').read_text()": ["reads data.csv"],
    "polars.read_csv('data.csv')": ["reads data.csv"],
    "polars.scan_csv(source='data.csv')": ["reads data.csv"],
    "open('log.txt', 'a').close()": [],
    "import sqlite3\nsqlite3.connect('memory.db').close()": ["reads memory.db"],
    "import subprocess\nsubprocess.run(['true'])": ["starts a process (true)"],
    "import os\nos.system('true')": ["starts a process (b'true')"],
    "import socket\nsocket.getaddrinfo('127.0.0.1', 9)": ["uses the network (127.0.0.1)"],
}
UNUSED = [
    "open('log2.txt', 'w+').close()",
    "import tempfile\nwith tempfile.TemporaryFile() as file:\n    file.write(b'x')",
    "import email.mime.audio, http.client, numpy.linalg",
    "open('allowed.txt').close()",
    "open('new.txt', 'w').write('x')",
    "open('other.txt', 'w').write('x')\nopen('other.txt').read()",
    "null = open('/dev/null')\nopen(null.fileno(), closefd=False)",
    "import zoneinfo\nzoneinfo.ZoneInfo('Europe/Paris')",
    "polars.DataFrame({'a': [1]})",
    "import io\npolars.read_csv(io.BytesIO(b'a\\n1'))",
    "import sys\nsys.audit('open', 3, 'r', 0)",
]
PROGRAM = """
import json, sys
sys.path[:] = {path!r}
import polars
from tallow.runners.effects import Effects
effects = Effects(allowed=["allowed.txt"])
del sys.modules["polars"]
effects.wrap_native_readers()
sys.modules["polars"] = polars
effects.wrap_native_readers()
effects.start()
found = {{}}
for case in {cases!r}:
    effects.seen.clear()
    exec(case, {{"polars": polars}})
    found[case] = list(effects.seen)
effects.active = False
open("data.csv").close()
print(json.dumps([found, list(effects.seen)]))
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    folder = tmp_path_factory.mktemp("effects")
    (folder / "data.csv").write_text("close\n1\n")
    (folder / "allowed.txt").write_text("1")
    text = PROGRAM.format(path=sys.path, cases=[*USED, *UNUSED])
    done = subprocess.run([sys.executable, "-c", text], cwd=folder, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("case", USED)
def test_what_is_used_beside_the_bars_is_named(seen, case):
    assert seen[0][case] == USED[case]


@pytest.mark.parametrize("case", UNUSED)
def test_code_and_what_the_run_wrote_itself_are_no_effects(seen, case):
    assert seen[0][case] == []


def test_nothing_is_recorded_once_it_is_switched_off(seen):
    assert seen[1] == []


@pytest.mark.parametrize(
    ("event", "arguments", "expected"),
    [
        ("open", ("/data/bars.csv", "r", 0), ["reads /data/bars.csv"]),
        ("open", ("/data/bars.csv", None, os.O_RDONLY), ["reads /data/bars.csv"]),
        ("open", ("/data/bars.csv", "r+", 0), ["reads /data/bars.csv"]),
        ("open", ("/data/log.txt", "a", 0), []),
        ("open", ("/data/new.csv", None, os.O_WRONLY | os.O_CREAT), []),
        ("open", (3, "r", 0), []),
        ("open", (os.__file__, "r", 0), []),
        ("open", ("/data/__pycache__/mine.cache", "r", 0), []),
        ("open", ("/data/kernel.nbi", "rb", 0), []),
        ("open", ("/home/me/.cache/fonts.json", "r", 0), ["reads /home/me/.cache/fonts.json"]),
        ("open", ("/etc/localtime", "rb", 0), []),
        ("open", ("/data/allowed.txt", "r", 0), []),
        ("sqlite3.connect", ("/data/memory.db",), ["reads /data/memory.db"]),
        ("socket.connect", (None, ("host", 80)), ["uses the network (('host', 80))"]),
        ("subprocess.Popen", ("ls", (), None, None), ["starts a process (ls)"]),
        ("import", ("json",), []),
    ],
)
def test_events_of_the_interpreter_are_told_apart(event, arguments, expected):
    effects = Effects(allowed=["/data/allowed.txt"])
    effects.active = True
    effects.notice(event, arguments)
    assert list(effects.seen) == expected


def test_what_the_run_wrote_may_be_read_again():
    effects = Effects()
    effects.active = True
    effects.notice("open", ("/data/own.csv", "w", 0))
    effects.notice("open", ("/data/own.csv", "r", 0))
    assert list(effects.seen) == []


def test_an_installed_package_may_start_a_process():
    effects = Effects()
    effects.active = True
    effects.roots = (os.path.realpath(os.path.dirname(__file__)) + os.sep,)
    effects.notice("subprocess.Popen", ("lscpu", (), None, None))
    assert list(effects.seen) == []


def test_events_before_the_start_are_not_recorded():
    effects = Effects()
    effects.notice("open", ("/data/bars.csv", "r", 0))
    assert list(effects.seen) == []


def test_packed_tables_and_private_caches_count_as_reading(tmp_path):
    effects = Effects()
    effects.active, effects.known = True, frozenset(sys.modules)  # whatever other tests have loaded
    for path in (tmp_path / "prices.zip", tmp_path / ".cache" / "mine" / "prices.npy", "/dev/shm/prices"):
        effects.notice("open", (str(path), "rb", 0))
    assert len(effects.found()) == 3


def test_a_log_that_is_only_appended_to_reads_nothing(tmp_path):
    effects = Effects()
    effects.active, effects.known = True, frozenset(sys.modules)  # whatever other tests have loaded
    effects.notice("open", (str(tmp_path / "log.txt"), "a", 0))
    assert effects.found() == []
    effects.notice("open", (str(tmp_path / "log.txt"), "a+", 0))
    assert effects.found() != []


def test_packages_that_read_unseen_count_once_loaded(monkeypatch):
    effects = Effects()
    monkeypatch.setitem(sys.modules, "duckdb", types.ModuleType("duckdb"))
    assert any("duckdb" in text for text in effects.found())
