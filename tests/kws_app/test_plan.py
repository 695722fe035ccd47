"""python -m kws_app plan, as a person meets it."""

import json
from pathlib import Path

import pytest
from plans import filled

from engine.errors import BackendError, ConfigError
from engine.plans.libraries import find_library
from kws_app.plan import run


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "kws" / "plans"


@pytest.fixture
def rtx() -> None:
    try:
        find_library("tensorrt_rtx")
    except BackendError as err:
        pytest.skip(f"needs TensorRT for RTX: {err}")


@pytest.mark.usefixtures("rtx")
def test_built_listed_verified_and_removed(
    folder: Path, tiny_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["build", "--model", str(tiny_folder), "--max-batch", "2"])
    out, err = capsys.readouterr()
    key = out.split()[0]
    assert "tensorrt_rtx" in out
    assert "fp32, batches to 2" in out
    assert err.count("builds its plan: 100%") == 1
    assert "built in" in err
    run(["build", "--model", str(tiny_folder), "--max-batch", "2"])
    assert "built in" not in capsys.readouterr().err  # it is there
    run(["list"])
    assert capsys.readouterr().out == out
    run(["list", "--json"])
    said = json.loads(capsys.readouterr().out)
    assert (said["event"], said["key"], said["max_batch"]) == ("plan", key, 2)
    run(["verify"])
    assert capsys.readouterr().out == f"{key}  as it was built\n"
    run(["build", "--model", str(tiny_folder), "--max-batch", "2", "--anew"])
    assert "built in" in capsys.readouterr().err
    run(["remove", key[:6]])
    assert capsys.readouterr().out == f"removed: {key}\n"
    run(["list"])
    assert capsys.readouterr().err == f"kws: {folder} holds no plan\n"


def test_an_altered_plan_is_named_and_is_an_error(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, good = filled(folder)
    _, bad = filled(folder, gpu="another")
    (folder / f"{bad.key}.plan").write_bytes(b"!")
    with pytest.raises(BackendError, match="1 of the plans must not be used"):
        run(["verify"])
    out = capsys.readouterr().out
    assert f"{good.key}  as it was built" in out
    assert f"{bad.key}  plan {bad.key} was altered" in out
    run(["verify", good.key[:8]])
    (folder / f"{bad.key}.json").write_text("{")
    run(["list"])
    assert f"{bad.key}  unreadable; plan remove {bad.key[:8]}" in capsys.readouterr().out
    run(["remove", "--all"])
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["remove"], "takes keys, as plan list shows them, or --all"),
        (["remove", "--all", "ab"], "takes keys"),
        (["remove", "zz"], "no plan is called 'zz'"),
        (["verify", "zz"], "no plan is called 'zz'"),
        (["remove", ""], "2 plans are called ''"),
        (["build", "--max-batch", "0"], "--max-batch is 0; it must be 1 to 1024"),
        (["build", "--backend", "odd"], "invalid choice: 'odd'"),
        (["fly"], "invalid choice: 'fly'"),
        ([], "the following arguments are required: COMMAND"),
    ],
)
def test_wrong_arguments(folder: Path, arguments: list[str], message: str) -> None:
    filled(folder)
    filled(folder, gpu="another")
    with pytest.raises(ConfigError, match=message):
        run(arguments)


def test_a_library_that_is_not_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    for module in ("tensorrt", "tensorrt_rtx"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(BackendError, match=r"tensorrt is not installed; .*; tensorrt_rtx is not"):
        run(["build"])
