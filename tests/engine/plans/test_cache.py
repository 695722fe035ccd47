"""A plan is native code: nothing is read that this program did not write for exactly this."""

import json
import os
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest
from full_disk import files_of_at_most
from plans import PLAN, filled, identity

from engine.errors import BackendError
from engine.plans.cache import Identity, PlanCache


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "plans"


def test_what_was_written_is_read(folder: Path) -> None:
    cache, one = filled(folder)
    stored = cache.read(one)
    assert stored is not None
    assert stored.plan == PLAN
    assert stored.kernels == b""
    assert stored.sidecar["build_s"] == 1.0
    assert cache.verify(one.key) == ""
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


@pytest.mark.parametrize("field", [field.name for field in fields(Identity)])
def test_any_difference_is_another_plan(folder: Path, field: str) -> None:
    cache, _ = filled(folder)
    assert cache.read(identity(**{field: 9 if field == "max_batch" else "other"})) is None


def test_nothing_was_built_yet(folder: Path) -> None:
    assert PlanCache(folder).read(identity()) is None
    assert PlanCache(folder).plans() == []
    assert PlanCache(folder).verify("ab") == "it was never finished"


def _alter(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def _say(path: Path, **values: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def _link(path: Path) -> None:
    other = path.with_name("elsewhere")
    path.rename(other)
    path.symlink_to(other)


TAMPERED: list[tuple[Callable[[Path, Path], object], str]] = [
    (lambda plan, sidecar: _alter(plan), "was altered"),
    (lambda plan, sidecar: plan.write_bytes(b""), "was altered"),
    (lambda plan, sidecar: plan.unlink(), "has gone"),
    (lambda plan, sidecar: plan.write_bytes(PLAN + b"!"), "too many"),
    (lambda plan, sidecar: _link(plan), "cannot be read: Too many levels"),
    (lambda plan, sidecar: plan.chmod(0o666), "can be written to by others"),
    (lambda plan, sidecar: sidecar.write_text("{"), "no readable sidecar"),
    (lambda plan, sidecar: sidecar.write_text("[]"), "no readable sidecar"),
    (lambda plan, sidecar: sidecar.write_text("[" * 9_999), "no readable sidecar"),
    (lambda plan, sidecar: sidecar.write_bytes(b"\xff" * 9), "no readable sidecar"),
    (lambda plan, sidecar: _say(sidecar, plan_sha256="00"), "was altered"),
    (lambda plan, sidecar: _say(sidecar, capability="9.0"), "says that it is another one"),
    (lambda plan, sidecar: _say(sidecar, schema=2), "says that it is another one"),
    (lambda plan, sidecar: _link(sidecar), "cannot be read: Too many levels"),
    (lambda plan, sidecar: sidecar.chmod(0o620), "can be written to by others"),
]


@pytest.mark.parametrize(("tamper", "message"), TAMPERED)
def test_what_was_tampered_with_is_refused(
    folder: Path, tamper: Callable[[Path, Path], object], message: str
) -> None:
    cache, one = filled(folder)
    tamper(folder / f"{one.key}.plan", folder / f"{one.key}.json")
    with pytest.raises(BackendError, match=message):
        cache.read(one)
    assert message in cache.verify(one.key)


def test_a_plan_under_another_name_is_refused(folder: Path) -> None:
    cache, one = filled(folder)
    other = identity(gpu="another")
    for suffix in (".plan", ".json"):
        (folder / f"{one.key}{suffix}").rename(folder / f"{other.key}{suffix}")
    with pytest.raises(BackendError, match="says that it is another one"):
        cache.read(other)
    assert "says that it is another one" in cache.verify(other.key)


def test_a_folder_that_others_may_write_to_is_refused(folder: Path) -> None:
    cache, one = filled(folder)
    folder.chmod(0o770)
    for call in (lambda: cache.read(one), cache.plans, lambda: cache.write(one, PLAN, {})):
        with pytest.raises(BackendError, match="is open to others"):
            call()


def test_a_link_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    _, one = filled(tmp_path / "real")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(BackendError, match="no link"):
        PlanCache(tmp_path / "link").read(one)


def test_a_kill_between_the_two_files_leaves_no_plan(folder: Path) -> None:
    cache, one = filled(folder)
    (folder / f"{one.key}.json").unlink()
    assert cache.read(one) is None
    (listed,) = cache.plans()
    assert listed.sidecar is None
    cache.write(one, PLAN, {})
    assert cache.read(one) is not None


def test_a_full_disk_leaves_no_plan(folder: Path) -> None:
    cache = PlanCache(folder)
    with files_of_at_most(1_000), pytest.raises(BackendError, match="cannot keep the plan: File"):
        cache.write(identity(), PLAN, {})
    assert cache.read(identity()) is None
    assert list(folder.iterdir()) == []


def test_those_used_longest_ago_go_first(folder: Path) -> None:
    cache = PlanCache(folder, size_limit_bytes=35_000)
    three = [identity(gpu=str(number)) for number in range(3)]
    for age, one in zip((300, 200, 100), three, strict=True):
        cache.write(one, PLAN, {})
        for path in folder.glob(f"{one.key}.*"):
            os.utime(path, (1e9 - age, 1e9 - age))
    assert cache.read(three[0]) is not None  # used just now
    cache.write(identity(gpu="new"), PLAN, {})
    assert [cache.read(one) is not None for one in three] == [True, False, True]


def test_the_newest_stays_whatever_its_size(folder: Path) -> None:
    cache = PlanCache(folder, size_limit_bytes=1)
    cache.write(identity(), PLAN, {})
    assert cache.read(identity()) is not None


def test_kernels_are_kept_with_their_plan(folder: Path) -> None:
    cache, one = filled(folder)
    cache.write_kernels(one, b"kernels")
    stored = cache.read(one)
    assert stored is not None
    assert stored.kernels == b"kernels"
    _alter(folder / f"{one.key}.kernels")
    stored = cache.read(one)
    assert stored is not None
    assert stored.kernels == b""  # compiled again
    cache.write(one, PLAN, {})
    assert not (folder / f"{one.key}.kernels").exists()


def test_a_plan_is_removed_with_all_its_files(folder: Path) -> None:
    cache, one = filled(folder)
    cache.write_kernels(one, b"kernels")
    with cache.locked(one, lambda: True):
        pass
    cache.remove(one.key)
    assert list(folder.iterdir()) == []


def test_the_lock_is_waited_for_and_given_up(folder: Path) -> None:
    cache, one = filled(folder)
    asked = iter([True, True, False])
    with cache.locked(one, lambda: True) as held:
        assert held
        with cache.locked(one, lambda: next(asked)) as second:
            assert not second
    with cache.locked(one, lambda: False) as held:
        assert held


@pytest.mark.parametrize("text", ["[" * 100_000, '{"plan_bytes": -1}', "[]", "NaN", '"x"'])
def test_a_sidecar_of_others_is_refused(folder: Path, text: str) -> None:
    cache, one = filled(folder)
    (folder / f"{one.key}.json").write_text(text)
    with pytest.raises(BackendError, match=r"sidecar|too many"):
        cache.read(one)
    assert cache.verify(one.key)
