"""`dlt.pipeline`, `dlt.attach`, `dlt.run`: making pipelines and finding the active one."""

import os
import sys
from pathlib import Path
from typing import Any, Optional

from windlass.common.configuration.coerce import coerce
from windlass.common.configuration.resolve import lookup
from windlass.common.pipeline import LoadInfo
from windlass.pipeline.active import active, naming_pipeline
from windlass.pipeline.exceptions import CannotRestorePipelineException
from windlass.pipeline.pipeline import Pipeline


def default_pipeline_name() -> str:
    """The name of a pipeline that was given none: that of the script."""
    main = sys.modules.get("__main__")
    path = getattr(main, "__file__", None)
    return f"dlt_{Path(path).stem}" if path else "dlt_pipeline"


def pipeline(
    pipeline_name: Optional[str] = None,
    pipelines_dir: Any = None,
    pipeline_salt: Any = None,
    destination: Any = None,
    staging: Any = None,
    dataset_name: Optional[str] = None,
    import_schema_path: Any = None,
    export_schema_path: Any = None,
    full_refresh: Optional[bool] = None,
    dev_mode: bool = False,
    refresh: Optional[str] = None,
    progress: Any = None,
    _impl_cls: Any = Pipeline,
) -> Pipeline:
    """Makes a pipeline, and makes it the active one. Without any argument it gives the active one."""
    given = (pipeline_name, pipelines_dir, pipeline_salt, destination, staging, dataset_name, import_schema_path)
    if not any(given) and not any((export_schema_path, full_refresh, dev_mode, refresh, progress)):
        known = active()
        if known is not None:
            return known  # type: ignore[no-any-return]
    name = pipeline_name or lookup("pipeline_name")[0] or default_pipeline_name()
    naming_pipeline(name)
    try:
        settings = {}
        for option in ("pipelines_dir", "destination_type", "dev_mode", "progress"):
            settings[option] = lookup(option, ("pipelines", name), pipeline=name)[0]
        made = _impl_cls(
            name,
            pipelines_dir or settings["pipelines_dir"],
            pipeline_salt,
            destination or settings["destination_type"],
            staging,
            dataset_name,
            import_schema_path,
            export_schema_path,
            bool(dev_mode or full_refresh or coerce("dev_mode", settings["dev_mode"] or False, bool)),
            refresh,
            progress or settings["progress"],
        )
    finally:
        naming_pipeline(None)
    made.activate()
    return made  # type: ignore[no-any-return]


def attach(
    pipeline_name: Optional[str] = None,
    pipelines_dir: Any = None,
    pipeline_salt: Any = None,
    destination: Any = None,
    staging: Any = None,
    progress: Any = None,
    dataset_name: Optional[str] = None,
) -> Pipeline:
    """Opens a pipeline that ran before, here or elsewhere."""
    name = pipeline_name or default_pipeline_name()
    made = Pipeline(name, pipelines_dir, pipeline_salt, destination, staging, dataset_name, progress=progress, must_attach=True)
    existed = os.path.isdir(made.working_dir)
    if not made._state_file():
        problem = None
        made._configure(None, None, None)
        if made.destination is None:
            problem = "there is no working folder, and no destination to restore it from"
        else:
            made.activate()
            made.sync_destination()
            if not made._state_file():
                problem = "neither the working folder nor the destination knows it"
        if problem:
            made.deactivate()
            if not existed:
                made.drop_local()
            raise CannotRestorePipelineException(
                name,
                made.pipelines_dir,
                problem,
                msg=f"the pipeline `{name}` in {made.pipelines_dir} cannot be restored: {problem}",
            )
    made.dev_mode = bool(made._state_file().get("_local", {}).get("_dev_mode"))
    made.activate()
    return made


def run(
    data: Any,
    *,
    destination: Any = None,
    staging: Any = None,
    dataset_name: Optional[str] = None,
    table_name: Optional[str] = None,
    write_disposition: Any = None,
    columns: Any = None,
    schema: Any = None,
    loader_file_format: Optional[str] = None,
    table_format: Optional[str] = None,
    schema_contract: Any = None,
    refresh: Optional[str] = None,
) -> Optional[LoadInfo]:
    """Runs the active pipeline."""
    return pipeline().run(
        data,
        destination=destination,
        staging=staging,
        dataset_name=dataset_name,
        table_name=table_name,
        write_disposition=write_disposition,
        columns=columns,
        schema=schema,
        loader_file_format=loader_file_format,
        table_format=table_format,
        schema_contract=schema_contract,
        refresh=refresh,
    )


def current_pipeline() -> Pipeline:
    """The active pipeline, made if there is none."""
    return active() or pipeline()
