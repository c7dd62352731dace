"""Pipelines as tasks of the real Airflow: DAGs that are run as `airflow dags test` runs them."""

import os
import pathlib
import subprocess
import sys
import textwrap

import pytest

HERE = pathlib.Path(__file__).resolve().parent


@pytest.fixture(scope="session")
def airflow_home(tmp_path_factory):
    """A home with a database; settings lie beside the DAGs."""
    home = tmp_path_factory.mktemp("airflow")
    (home / "dags").mkdir()
    environment = dict(
        os.environ,
        AIRFLOW_HOME=str(home),
        AIRFLOW__CORE__LOAD_EXAMPLES="False",
        AIRFLOW__CORE__DAGS_FOLDER=str(home / "dags"),
        AIRFLOW__LOGGING__LOGGING_LEVEL="WARNING",
        HOME=str(home),
        PYTHONPATH=os.pathsep.join([os.environ["PYTHONPATH"], str(HERE)]),
    )
    for name in ("WINDLASS_DATA_DIR", "DLT_DATA_DIR", "PYTEST_CURRENT_TEST"):
        environment.pop(name, None)
    command = [str(pathlib.Path(sys.executable).with_name("airflow")), "db", "migrate"]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    return home, environment


HEAD = """
import datetime
import os
import windlass as dlt
try:
    from airflow.sdk import DAG
except ImportError:  # Airflow 2
    from airflow import DAG
from shop import shop, rows
from windlass.helpers.airflow_helper import *
OUT = os.environ["OUT"]
DUCK = OUT + "/p.duckdb"

def made(name="p", **options):
    options.setdefault("destination", dlt.destinations.duckdb(DUCK))
    return dlt.pipeline(name, dataset_name="ds", **options)

def tested(dag, **options):
    run = dag.test(**options)
    return {ti.task_id: str(getattr(ti.state, "value", ti.state)) for ti in run.get_task_instances()}
"""


def script(airflow_home, tmp_path, body, name="dag_file", **variables):
    """What a file of DAGs prints when it is run; it is in the folder of DAGs, as tasks are read from there again."""
    home, environment = airflow_home
    path = home / "dags" / f"{name}.py"
    path.write_text(HEAD + textwrap.dedent(body), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(path)],
        env={**environment, "OUT": str(tmp_path), **variables},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return [line[4:] for line in done.stdout.splitlines() if line.startswith("### ")]


@pytest.mark.parametrize("mode", ["none", "serialize", "parallel", "parallel-isolated"])
def test_a_dag_loads(airflow_home, tmp_path, mode):
    told = script(
        airflow_home,
        tmp_path,
        f"""
        with DAG("load", start_date=datetime.datetime(2024, 1, 1), schedule=None) as dag:
            tasks = PipelineTasksGroup("shop_group", local_data_folder=OUT + "/local")
            added = tasks.add_run(made(), shop(), decompose={mode!r})
        if __name__ == "__main__":
            print("###", " ".join(task.task_id for task in added))
            print("###", set(tested(dag).values()))
            print("###", rows(DUCK, "SELECT count(*) FROM ds.orders"), rows(DUCK, "SELECT count(*) FROM ds.visits"))
            print("###", sorted(rows(DUCK, "SELECT DISTINCT pipeline_name FROM ds._dlt_pipeline_state")))
        """,
    )
    one = "shop_group.shop_orders-customers-visits"
    numbered = "-2" if mode == "parallel-isolated" else ""
    two = f"shop_group.shop_orders{numbered} shop_group.shop_customers-visits{numbered}"
    ids = {"none": one, "serialize": two}.get(mode, f"{two} {one}_end")
    pipelines = [("p_shop_customers_visits",), ("p_shop_orders",)] if mode == "parallel-isolated" else [("p",)]
    assert told == [ids, "{'success'}", "[(10,)] [(3,)]", str(pipelines)]
    # Nothing is left of the working folders.
    assert not list(tmp_path.glob("local/dlt_*/pipelines/*"))


def test_a_load_that_fails_is_tried_again_without_reading_again(airflow_home, tmp_path):
    told = script(
        airflow_home,
        tmp_path,
        """
        def note(what):
            with open(OUT + "/notes", "a") as notes:
                notes.write(what + "\\n")
            return open(OUT + "/notes").read().split().count(what)

        @dlt.destination(batch_size=0, name="flaky")
        def flaky(items, table):
            if note("load") == 1:
                raise RuntimeError("the server is away")

        @dlt.resource(name="orders")
        def orders():
            note("read")
            yield {"id": 1}

        with DAG("again", start_date=datetime.datetime(2024, 1, 1), schedule=None) as dag:
            tasks = PipelineTasksGroup(
                "again_group", local_data_folder=OUT + "/local", retry_policy=Retrying(stop=stop_after_attempt(3)), wipe_local_data=False
            )
            tasks.add_run(made(destination=flaky()), orders)
        if __name__ == "__main__":
            print("###", tested(dag))
            print("###", open(OUT + "/notes").read().split())
        """.replace("Retrying(", "DEFAULT_RETRY_BACKOFF.copy(wait=lambda state: 0, ").replace(
            "stop=stop_after_attempt(3)", "stop=lambda state: state.attempt_number >= 3"
        ),
    )
    assert told == ["{'again_group.p': 'success'}", "['read', 'load', 'load']"]


def test_a_source_that_fails_fails_the_task_at_once(airflow_home, tmp_path):
    told = script(
        airflow_home,
        tmp_path,
        """
        @dlt.resource(name="orders")
        def orders():
            with open(OUT + "/notes", "a") as notes:
                notes.write("read\\n")
            raise ValueError("no such order")
            yield

        with DAG("fails", start_date=datetime.datetime(2024, 1, 1), schedule=None) as dag:
            tasks = PipelineTasksGroup("group", local_data_folder=OUT + "/local", retry_policy=DEFAULT_RETRY_BACKOFF)
            tasks.add_run(made(), orders)
        if __name__ == "__main__":
            print("###", tested(dag))
            print("###", open(OUT + "/notes").read().split())
        """,
    )
    assert told == ["{'group.p': 'failed'}", "['read']"]


def test_data_and_settings_of_a_task(airflow_home, tmp_path):
    home, _ = airflow_home
    (home / "dags" / ".dlt").mkdir(exist_ok=True)
    (home / "dags" / ".dlt" / "config.toml").write_text('[sources.here]\nwhere = "beside the DAGs"\n', encoding="utf-8")
    told = script(
        airflow_home,
        tmp_path,
        """
        @dlt.resource(name="settings")
        def settings(key: str = dlt.secrets.value, port: int = dlt.config.value):
            yield {"where": dlt.config["sources.here.where"], "key": key, "port": port}

        def data():
            return settings()

        with DAG("settings", start_date=datetime.datetime(2024, 1, 1), schedule=None) as dag:
            tasks = PipelineTasksGroup("group", local_data_folder=OUT + "/local", save_load_info=True, save_trace_info=True)
            tasks.add_run(made(), data, table_name="told", on_before_run=lambda: print("before"))
        if __name__ == "__main__":
            print("###", tested(dag))
            print("###", rows(DUCK, "SELECT \\"where\\", key, port FROM ds.told"))
            print("###", rows(DUCK, "SELECT count(*) FROM ds._load_info"), rows(DUCK, "SELECT pipeline_name FROM ds._trace"))
            url = connection_url("warehouse")
            print("###", url)
        """,
        AIRFLOW_VAR_DLT_SECRETS_TOML='[sources.settings]\nkey = "from the Variable"\nport = 5\n',
        AIRFLOW_CONN_WAREHOUSE="postgres://user:pw@host:5432/db",
    )
    assert told == [
        "{'group.p': 'success'}",
        "[('beside the DAGs', 'from the Variable', 5)]",
        "[(1,)] [('p',)]",
        "postgresql://user:pw@host:5432/db",
    ]


def test_the_interval_of_a_run_is_the_range_of_a_cursor(airflow_home, tmp_path):
    told = script(
        airflow_home,
        tmp_path,
        """
        with DAG("daily", start_date=datetime.datetime(2024, 1, 1), schedule="@daily", catchup=False) as dag:
            tasks = PipelineTasksGroup("group", local_data_folder=OUT + "/local")
            tasks.add_run(made(), shop().with_resources("orders"))
        if __name__ == "__main__":
            print("###", tested(dag, logical_date=datetime.datetime(2024, 1, 2, tzinfo=datetime.timezone.utc)))
            print("###", rows(DUCK, "SELECT id FROM ds.orders ORDER BY id"))
        """,
        DLT_ALLOW_EXTERNAL_SCHEDULERS="true",
        AIRFLOW__SCHEDULER__CREATE_CRON_DATA_INTERVALS="True",
    )
    # The interval of a run by hand is the last one that is over.
    assert told == ["{'group.shop_orders': 'success'}", "[(0,), (1,)]"]


def test_what_cannot_be_done_is_refused_when_the_file_is_read(airflow_home, tmp_path):
    told = script(
        airflow_home,
        tmp_path,
        """
        def refused(call):
            try:
                call()
                print("### nothing")
            except Exception as cause:
                print("###", type(cause).__name__, str(cause).split(":")[0][:60])

        with DAG("refused", start_date=datetime.datetime(2024, 1, 1), schedule=None) as dag:
            early = made("early")
            tasks = PipelineTasksGroup("group", local_data_folder=OUT + "/local")
            refused(lambda: tasks.add_run(early, shop()))
            refused(lambda: tasks.add_run(made(), shop(), decompose="zonk"))
            refused(lambda: tasks.add_run(made(), [{"a": 1}], decompose="serialize", table_name="t"))
            refused(lambda: tasks.add_run(made("d", dev_mode=True), shop(), decompose="serialize"))
            refused(lambda: PipelineTasksGroup("other", abort_task_if_any_job_failed=False))
            refused(lambda: PipelineTasksGroup("third", truncate_staging_destination=True))
        """,
    )
    assert [line.split()[0] for line in told] == ["ValueError", "ValueErrorWithKnownValues", "ValueError", "ValueError"] + [
        "NotImplementedError"
    ] * 2
    assert "the pipeline `early`" in told[0] and "abort_task_if_any_job_failed=False" in told[4]


def test_a_dag_that_deploy_wrote_runs(airflow_home, tmp_path):
    home, environment = airflow_home
    (home / "jobs").mkdir(exist_ok=True)
    (home / "jobs" / "p.yaml").write_text(
        'pipeline: deployed\ndataset: ds\ndestination: {type: duckdb, credentials: "${OUT}/p.duckdb"}\n'
        'source:\n  type: inline\n  resources: [{name: rows, items: [{id: 1, token: "${API_TOKEN}"}]}]\n',
        encoding="utf-8",
    )
    command = tmp_path / "bin" / "windlass"
    command.parent.mkdir()
    command.write_text(f"#!{sys.executable}\nfrom windlass._cli import main\n\nmain()\n", encoding="utf-8")
    command.chmod(0o755)
    environment = {
        **environment,
        "PATH": f"{command.parent}{os.pathsep}{environment['PATH']}",
        "OUT": str(tmp_path),
        "WINDLASS_DATA_DIR": str(tmp_path / "data"),
        "AIRFLOW_VAR_API_TOKEN": "from a Variable",
        "AIRFLOW_VAR_OUT": str(tmp_path),
    }
    done = subprocess.run(
        [command, "deploy", "jobs/p.yaml", "airflow", "--schedule", "@daily"], cwd=home, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    path = home / "dags" / "dag_deployed.py"
    text = path.read_text(encoding="utf-8")
    assert "from a Variable" not in text and '"API_TOKEN": "{{ var.value.API_TOKEN }}"' in text
    airflow = str(pathlib.Path(sys.executable).with_name("airflow"))
    tested = subprocess.run([airflow, "dags", "test", "run_deployed"], env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert tested.returncode == 0, tested.stdout[-3000:] + tested.stderr[-3000:]
    import duckdb

    with duckdb.connect(str(tmp_path / "p.duckdb"), read_only=True) as connection:
        assert connection.execute("SELECT id, token FROM ds.rows").fetchall() == [(1, "from a Variable")]
