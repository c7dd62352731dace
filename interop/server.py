"""A Postgres server for the tests: the one that WINDLASS_TEST_POSTGRES names, or a private one."""
import os, pathlib, secrets, shutil, socket, subprocess, tempfile

USER = "windlass"


class Server:
    """A server that stops at the end of `with`; `url` is None where there is none."""

    def __init__(self):
        self.url = os.environ.get("WINDLASS_TEST_POSTGRES")
        self.folder = None

    def __enter__(self):
        installed = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        if self.url or not installed:
            return self
        self.bin = installed[-1].parent
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="windlass-interop-postgres-"))
        password = secrets.token_hex(8)
        (self.folder / "password").write_text(password)
        if os.getuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
            shutil.chown(self.folder / "password", "postgres", "postgres")
        self.run("initdb", "-N", "-E", "UTF8", "--auth=scram-sha-256", "-U", USER, "--pwfile", self.folder / "password")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        settings = {"fsync": "off", "listen_addresses": "127.0.0.1", "unix_socket_directories": "", **self.settings()}
        options = " ".join([f"-p {port}", *(f"-c {key}={value}" for key, value in settings.items())])
        self.run("pg_ctl", "-w", "-l", self.folder / "log", "-o", options, "start")
        self.url = f"postgresql://{USER}:{password}@127.0.0.1:{port}/postgres"
        return self

    def settings(self):
        """What the server is told beside the essentials."""
        return {"shared_buffers": "32MB"}

    def __exit__(self, *_):
        if self.folder:
            self.run("pg_ctl", "-m", "immediate", "stop")
            shutil.rmtree(self.folder)

    def run(self, program, *arguments):
        # The server refuses to run as root.
        other = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []
        command = [*other, self.bin / program, "-D", self.folder / "data", *arguments]
        environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}
        subprocess.run(command, check=True, env=environment, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
