"""Pipelines as tasks of the real Prefect, with its ephemeral server."""

import pytest
from prefect import flow
from prefect.artifacts import Artifact
from prefect.testing.utilities import prefect_test_harness
from shop import FIRST, rows, shop

import windlass as dlt
from windlass.helpers.prefect import artifact_key, load, load_parts, pipeline_task


@pytest.fixture(scope="module", autouse=True)
def server(tmp_path_factory):
    import os

    os.environ["HOME"] = str(tmp_path_factory.mktemp("home"))
    os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"
    with prefect_test_harness(server_startup_timeout=120):
        yield


def made(tmp_path, name="p", destination=None):
    return dlt.pipeline(
        name,
        pipelines_dir=str(tmp_path / "pl"),
        destination=destination or dlt.destinations.duckdb(str(tmp_path / "p.duckdb")),
        dataset_name="ds",
    )


def test_a_flow_loads_and_leaves_an_artefact(tmp_path):
    pipeline = made(tmp_path, "My Shop_1")

    @flow
    def nightly():
        return load(pipeline, shop())

    summary = nightly()
    assert summary.rows == {"orders": 10, "orders__lines": 20, "customers": 3, "visits": 3}
    assert (summary.pipeline_name, summary.dataset_name, len(summary.loads_ids)) == ("My Shop_1", "ds", 1)
    assert rows(tmp_path / "p.duckdb", "SELECT count(*) FROM ds.orders__lines") == [(20,)]
    artifact = Artifact.get(artifact_key("My Shop_1"))
    assert artifact.key == "load-my-shop-1"
    assert '"orders"' in artifact.data and "10" in artifact.data


def test_data_may_be_a_function_of_the_task(tmp_path):
    @flow
    def nightly():
        return load(made(tmp_path), lambda: shop().with_resources("customers"), artifact=False)

    assert nightly().rows == {"customers": 3}


def test_a_load_that_fails_is_tried_again_without_reading_again(tmp_path):
    reads, calls = [], []

    @dlt.destination(batch_size=0, name="flaky")
    def flaky(items, table):
        calls.append(table["name"])
        if len(calls) == 1:
            raise RuntimeError("the server is away")

    @dlt.resource(name="orders")
    def orders():
        reads.append(1)
        yield {"id": 1}

    @flow
    def nightly():
        return load(made(tmp_path, "retried", flaky()), orders(), retries=2, retry_delay_seconds=0)

    summary = nightly()
    assert (len(reads), len(calls)) == (1, 2)
    assert summary.rows == {"orders": 1}


def test_what_cannot_get_better_is_not_tried_again(tmp_path):
    reads = []

    @dlt.resource(name="orders")
    def orders():
        reads.append(1)
        raise ValueError("no such order")
        yield

    @flow
    def nightly():
        return load(made(tmp_path), orders(), retries=3, retry_delay_seconds=0)

    with pytest.raises(Exception, match="no such order"):
        nightly()
    assert len(reads) == 1


def test_a_window_is_the_range_of_the_cursor(tmp_path):
    from datetime import timedelta

    @flow
    def backfill(day):
        start = FIRST + timedelta(days=day)
        return load(made(tmp_path), shop().with_resources("orders"), window=(start, start + timedelta(days=1)))

    assert backfill(2).rows["orders"] == 2
    assert backfill(0).rows["orders"] == 2
    assert rows(tmp_path / "p.duckdb", "SELECT id FROM ds.orders ORDER BY id") == [(0,), (1,), (4,), (5,)]


@pytest.mark.parametrize("mode, count", [("none", 1), ("serialize", 2), ("parallel-isolated", 2)])
def test_parts_are_tasks(tmp_path, mode, count):
    @flow
    def nightly():
        return load_parts(made(tmp_path), shop(), decompose=mode)

    summaries = nightly()
    assert len(summaries) == count
    assert rows(tmp_path / "p.duckdb", "SELECT count(*) FROM ds.orders") == [(10,)]
    assert rows(tmp_path / "p.duckdb", "SELECT count(*) FROM ds.visits") == [(3,)]
    names = {summary.pipeline_name for summary in summaries}
    assert names == ({"p_orders", "p_customers_visits"} if mode == "parallel-isolated" else {"p"})


def test_a_mode_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(ValueError, match="decompose=zonk"):
        load_parts(made(tmp_path), shop(), decompose="zonk")


def test_tasks_can_be_submitted(tmp_path):
    @flow
    def nightly():
        future = pipeline_task(made(tmp_path)).submit(shop().with_resources("customers"))
        return future.result()

    assert nightly().rows == {"customers": 3}
