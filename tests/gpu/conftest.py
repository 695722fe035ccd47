"""Every test here needs a GPU; without one it says what it needs and is skipped."""

from pathlib import Path

import pytest

from engine.backends.tensorrt import TensorRtBackend, TensorRtRtxBackend
from engine.errors import BackendError
from engine.manifest import ModelManifest, load_manifest
from engine.plans.cache import PlanCache


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.gpu)


@pytest.fixture(scope="session")
def manifest(default_folder: Path) -> ModelManifest:
    return load_manifest(default_folder)


@pytest.fixture(params=[TensorRtBackend, TensorRtRtxBackend], ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest, manifest: ModelManifest) -> type[TensorRtBackend]:
    """Each backend that runs plans, where its library and a GPU are there."""
    kind: type[TensorRtBackend] = request.param
    try:
        kind(manifest)
    except BackendError as err:
        pytest.skip(f"needs {kind.name} and a GPU: {err}")
    return kind


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> PlanCache:
    """One for all tests: plans are built once."""
    return PlanCache(tmp_path_factory.mktemp("cache") / "plans")
