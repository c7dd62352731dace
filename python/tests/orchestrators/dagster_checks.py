"""Resources as assets of the real Dagster."""

import dagster as dg
import pytest
from shop import shop, rows

import windlass as dlt
from windlass.helpers.dagster import (
    DagsterDltResource,
    DagsterDltTranslator,
    DltResourceTranslatorData,
    build_dlt_asset_specs,
    dlt_assets,
)


def made(tmp_path, name="p"):
    return dlt.pipeline(
        name, pipelines_dir=str(tmp_path / "pl"), destination=dlt.destinations.duckdb(str(tmp_path / "p.duckdb")), dataset_name="ds"
    )


def assets_of(pipeline, source=None, **options):
    @dlt_assets(dlt_source=source or shop(), dlt_pipeline=pipeline, name="shop_assets", **options)
    def shop_assets(context: dg.AssetExecutionContext, loader: DagsterDltResource):
        yield from loader.run(context=context)

    return shop_assets


def test_each_resource_is_an_asset_with_its_parents(tmp_path):
    specs = {spec.key.to_user_string(): spec for spec in build_dlt_asset_specs(shop(), made(tmp_path))}
    assert list(specs) == ["dlt_shop_orders", "dlt_shop_customers", "dlt_shop_visits"]
    parents = {name: [dep.asset_key.to_user_string() for dep in spec.deps] for name, spec in specs.items()}
    assert parents == {
        "dlt_shop_orders": ["shop_orders"],
        "dlt_shop_customers": ["shop_customers"],
        "dlt_shop_visits": ["dlt_shop_customers"],
    }
    assert specs["dlt_shop_orders"].description == "Orders, two of each day."
    assert specs["dlt_shop_orders"].kinds == {"dlt", "duckdb"}


def test_a_materialization_loads_and_tells_rows_and_columns(tmp_path):
    result = dg.materialize([assets_of(made(tmp_path))], resources={"loader": DagsterDltResource()})
    assert result.success
    told = {event.asset_key.to_user_string(): event.materialization.metadata for event in result.get_asset_materialization_events()}
    assert {name: metadata["dagster/row_count"].value for name, metadata in told.items()} == {
        "dlt_shop_orders": 10,
        "dlt_shop_customers": 3,
        "dlt_shop_visits": 3,
    }
    orders = told["dlt_shop_orders"]
    assert orders["rows_by_table"].value == {"orders": 10, "orders__lines": 20}
    assert orders["dagster/table_name"].value == "ds.orders"
    columns = {column.name: column for column in orders["dagster/column_schema"].value.columns}
    assert columns["made_at"].type == "timestamp"
    assert columns["id"].constraints.other == ["primary key"] and not columns["id"].constraints.nullable
    assert "item" in [column.name for column in orders["column_schema/orders__lines"].value.columns]
    assert rows(tmp_path / "p.duckdb", "SELECT count(*) FROM ds.orders") == [(10,)]


def test_only_the_selected_assets_are_loaded(tmp_path):
    asset = assets_of(made(tmp_path))
    result = dg.materialize([asset], selection=["dlt_shop_visits"], resources={"loader": DagsterDltResource()})
    assert result.success
    assert [event.asset_key.to_user_string() for event in result.get_asset_materialization_events()] == ["dlt_shop_visits"]
    tables = {name for name, in rows(tmp_path / "p.duckdb", "SELECT table_name FROM duckdb_tables()")}
    assert "visits" in tables and "customers" not in tables and "orders" not in tables


def test_partitions_are_windows_that_can_be_loaded_again(tmp_path):
    days = dg.DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-01-06")
    asset = assets_of(made(tmp_path), shop().with_resources("orders"), partitions_def=days)
    instance = dg.DagsterInstance.ephemeral()

    def load(**options):
        result = dg.materialize([asset], resources={"loader": DagsterDltResource()}, instance=instance, **options)
        assert result.success
        return rows(tmp_path / "p.duckdb", "SELECT id FROM ds.orders ORDER BY id")

    assert load(partition_key="2024-01-03") == [(4,), (5,)]
    assert load(partition_key="2024-01-01") == [(0,), (1,), (4,), (5,)]
    assert load(partition_key="2024-01-03") == [(0,), (1,), (4,), (5,)]
    tags = {
        "dagster/asset_partition_range_start": "2024-01-02",
        "dagster/asset_partition_range_end": "2024-01-04",
    }
    assert load(tags=tags) == [(number,) for number in range(8)]


def test_another_translator_gives_other_keys(tmp_path):
    class Upper(DagsterDltTranslator):
        def get_asset_spec(self, data: DltResourceTranslatorData):
            spec = super().get_asset_spec(data)
            return spec.replace_attributes(key=dg.AssetKey(["raw", data.resource.name]), group_name="raw")

    asset = assets_of(made(tmp_path), dagster_dlt_translator=Upper())
    result = dg.materialize([asset], selection=[dg.AssetKey(["raw", "customers"])], resources={"loader": DagsterDltResource()})
    assert result.success
    assert [event.asset_key.path for event in result.get_asset_materialization_events()] == [["raw", "customers"]]
    assert rows(tmp_path / "p.duckdb", "SELECT count(*) FROM ds.customers") == [(3,)]


def test_a_failure_is_the_users(tmp_path):
    @dlt.resource
    def broken():
        yield {"a": 1}
        raise ValueError("the source is gone")

    @dlt.source(name="broken_source")
    def source():
        return broken()

    asset = assets_of(made(tmp_path), source())
    with pytest.raises(Exception, match="the source is gone"):
        dg.materialize([asset], resources={"loader": DagsterDltResource()})
    assert not (tmp_path / "p.duckdb").exists() or rows(
        tmp_path / "p.duckdb", "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'broken'"
    ) == [(0,)]


def test_an_op_runs_a_pipeline_as_well(tmp_path):
    pipeline = made(tmp_path)

    @dg.op(out={})
    def load(context: dg.OpExecutionContext, loader: DagsterDltResource):
        for event in loader.run(context=context, dlt_source=shop(), dlt_pipeline=pipeline):
            context.log_event(event)

    @dg.job(resource_defs={"loader": DagsterDltResource()})
    def job():
        load()

    result = job.execute_in_process()
    assert result.success
    assert rows(tmp_path / "p.duckdb", "SELECT count(*) FROM ds.visits") == [(3,)]
