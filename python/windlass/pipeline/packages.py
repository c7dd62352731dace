"""The packages of a pipeline."""

import json
import os
from typing import Any, Dict, List, Optional

from windlass.common.storages.load_package import LoadPackageInfo
from windlass.pipeline.exceptions import CannotRestorePipelineException


class Packages:
    """What a pipeline knows of its packages."""

    pipeline_name: str
    pipelines_dir: str

    @property
    def working_dir(self) -> str:
        """The working folder."""
        raise NotImplementedError

    @property
    def schemas(self) -> Dict[str, Any]:
        """The schemas by name."""
        raise NotImplementedError

    def _work(self) -> Any:
        """An engine that is asked for what is in the working folder."""
        raise NotImplementedError

    def _check_files(self) -> None:
        """Raises CannotRestorePipelineException for a folder in the place of a file that the engine writes."""
        for name in ("lock", "trace.json"):
            path = os.path.join(self.working_dir, name)
            if os.path.isdir(path):
                reason = f"a folder is in the place of the file {path}: remove it"
                raise CannotRestorePipelineException(
                    self.pipeline_name, self.pipelines_dir, reason, msg=f"the pipeline `{self.pipeline_name}`: {reason}"
                )

    def _packages(self, state: str) -> List[str]:
        packages = json.loads(self._work().packages())
        return sorted(package["load_id"] for package in packages if package["state"] == state)

    def list_extracted_load_packages(self) -> List[str]:
        """Packages that are not normalized; the engine has none."""
        return []

    def list_normalized_load_packages(self) -> List[str]:
        """Packages that wait to be loaded."""
        return self._packages("normalized")

    def list_completed_load_packages(self) -> List[str]:
        """Packages that were loaded."""
        return self._packages("loaded")

    def list_extracted_resources(self) -> List[str]:
        """Files that are not normalized; the engine has none."""
        return []

    def get_load_package_info(self, load_id: str) -> LoadPackageInfo:
        """One package."""
        for package in json.loads(self._work().packages()):
            if package["load_id"] == load_id:
                from windlass.pipeline.steps import package_folder

                schema = self.schemas.get(package["schema"])
                return LoadPackageInfo(package, package["state"], schema, package_folder(self, load_id))
        from windlass.common.storages.exceptions import LoadPackageNotFound

        raise LoadPackageNotFound(load_id, msg=f"there is no load package `{load_id}`")

    def get_load_package_state(self, load_id: str) -> Dict[str, Any]:
        """The state of one package."""
        info = self.get_load_package_info(load_id)
        return {"load_id": info.load_id, "created_at": info.created_at}

    def list_failed_jobs_in_package(self, load_id: str) -> List[Any]:
        """Files that failed: none, as a package is loaded whole or not at all."""
        self.get_load_package_info(load_id)
        return []

    def abort_packages(self, load_id: Optional[str] = None, dry_run: bool = False) -> Optional[Dict[str, Any]]:
        """Gives up packages that wait; what they hold is read again."""
        waiting = self.list_normalized_load_packages()
        if load_id is not None:
            waiting = [waits for waits in waiting if waits >= load_id]
        if not waiting:
            return None
        if not dry_run:
            self._check_files()
            self._work().drop_pending()
        return {"load_ids": waiting}

    def drop_pending_packages(self, with_partial_loads: bool = True) -> None:
        """Gives up the packages that wait."""
        self.abort_packages()
