"""Commands and stores to test with; references that tests and benchmarks share are modules beside the tests."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from ampel_followup.cli import main
from ampel_followup.store import Store

sys.path.insert(0, str(Path(__file__).parent))

# The first example of a test may import a library, on a machine that is busy.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture
def run(capsys, monkeypatch):
    """Run the command; return exit code, standard output and standard error."""
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments: object) -> tuple[int, str, str]:
        code = main([str(a) for a in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A private PostgreSQL server on the loopback interface; its URL without a database."""
    places = os.pathsep.join([os.environ.get("PATH", ""), *map(str, Path("/usr/lib/postgresql").glob("*/bin"))])
    initdb, pg_ctl = shutil.which("initdb", path=places), shutil.which("pg_ctl", path=places)
    if not (initdb and pg_ctl):
        pytest.skip("no PostgreSQL server programs (initdb, pg_ctl); install the package postgresql")
    pytest.importorskip("psycopg")
    # PostgreSQL refuses to run as root.
    user = "nobody" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="followup-postgres-"))
    if user:
        shutil.chown(folder, user)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data, password = folder / "data", folder / "password"
    password.write_text("s3cret")
    password.chmod(0o644)

    def run(*command: str) -> None:
        # To a file: a pipe would stay open for as long as the server lives.
        with (folder / "log").open("a") as log:
            subprocess.run(command, check=True, user=user, cwd=folder, stdout=log, stderr=log)

    run(initdb, "-D", str(data), "-U", "followup", "-A", "scram-sha-256", f"--pwfile={password}",
        "--no-sync", "--locale=C", "-E", "UTF8")  # fmt: skip
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
    run(pg_ctl, "-D", str(data), "-w", "-l", str(folder / "server.log"), "-o", options, "start")
    try:
        yield f"postgresql://followup:s3cret@127.0.0.1:{port}"
    finally:
        run(pg_ctl, "-D", str(data), "-m", "immediate", "stop")
        shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a new store may be made."""
    if request.param == "sqlite":
        return str(tmp_path / "night.sqlite")
    from store_engines import engine_of  # here: it lies beside this file, on the path that is set above

    server: str = request.getfixturevalue("postgres_server")
    name = f"test_{uuid.uuid4().hex}"
    engine = engine_of(f"{server}/postgres").execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return f"{server}/{name}"


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    with Store.open(store_url) as opened:
        yield opened
