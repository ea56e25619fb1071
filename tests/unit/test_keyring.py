"""The master keys: made once, kept to their owner, and never mistaken for another deployment's."""

import base64
import os
import stat
from pathlib import Path

import pytest
from staging.clocks import SeededEntropy, StillClock
from staging.houses import house_in, key_for, settle_people

from service.entropy import SystemEntropy
from service.errors import StartError
from service.keyring import create_key_file, load_key_file
from workflows.authentication import candidate_for
from workflows.errors import SealBroken

KEY = base64.b64encode(bytes(range(32))).decode()
OTHER = base64.b64encode(bytes(range(1, 33))).decode()


def key_file(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "daypass.key"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def test_a_fresh_key_file_is_readable_by_its_owner_alone_whatever_the_umask(tmp_path: Path) -> None:
    path = tmp_path / "inner" / "daypass.key"
    before = os.umask(0)
    try:
        create_key_file(path, SystemEntropy())
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(load_key_file(path).master("k1")) == 32


def test_a_key_file_that_is_there_is_never_replaced(tmp_path: Path) -> None:
    path = key_file(tmp_path, f"k1:{KEY}\n")
    create_key_file(path, SeededEntropy())
    assert path.read_text() == f"k1:{KEY}\n"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610, 0o601, 0o644, 0o777], ids=oct)
def test_a_key_file_that_is_open_to_others_is_refused_with_what_to_do(tmp_path: Path, mode: int) -> None:
    with pytest.raises(StartError, match="chmod 600"):
        load_key_file(key_file(tmp_path, f"k1:{KEY}\n", mode))


@pytest.mark.parametrize("mode", [0o600, 0o400], ids=oct)
def test_a_key_file_of_its_owner_alone_is_taken(tmp_path: Path, mode: int) -> None:
    assert load_key_file(key_file(tmp_path, f"k1:{KEY}\n", mode)).newest == "k1"


def test_the_last_line_is_the_newest_key_and_the_older_ones_stay_known(tmp_path: Path) -> None:
    ring = load_key_file(key_file(tmp_path, f"k2:{KEY}\nk1:{OTHER}\n"))
    assert ring.newest == "k1"
    assert ring.master("k2") == bytes(range(32))
    with pytest.raises(SealBroken):
        ring.master("k3")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "k1\n",
        f"{KEY}\n",
        f"k1:{KEY[:-4]}\n",
        f"k1:{KEY}{KEY}\n",
        f"K1:{KEY}\n",
        f"k1:{KEY}\nk1:{OTHER}\n",
        f"k1:{KEY}\n\nk2:{OTHER}\n",
        f"k1:{base64.b64encode(bytes(32)).decode()}\n",
        f"k1:{base64.b64encode(b'x' * 32).decode()}\n",
        f"ключ:{KEY}\n",
    ],
    ids=ascii,
)
def test_a_file_that_is_no_key_ring_is_refused_and_not_quoted(tmp_path: Path, text: str) -> None:
    with pytest.raises(StartError) as refusal:
        load_key_file(key_file(tmp_path, text))
    assert KEY not in str(refusal.value)
    assert "daypass.key" in str(refusal.value)


def test_a_missing_key_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"nowhere\.key"):
        load_key_file(tmp_path / "nowhere.key")


def test_a_database_without_its_key_file_does_not_open_and_no_new_key_is_made(tmp_path: Path) -> None:
    house_in(tmp_path, StillClock()).close()
    (tmp_path / "daypass.key").unlink()
    with pytest.raises(StartError, match="no master key file"):
        house_in(tmp_path, StillClock())
    assert not (tmp_path / "daypass.key").exists()


@pytest.mark.parametrize("key_id", ["k1", "k2"])
def test_a_database_under_another_deployments_key_does_not_open(tmp_path: Path, key_id: str) -> None:
    house_in(tmp_path, StillClock()).close()
    key_file(tmp_path, f"{key_id}:{KEY}\n")
    with pytest.raises(StartError, match="another database"):
        house_in(tmp_path, StillClock())


def test_a_new_master_key_is_added_without_a_gap_and_old_credentials_go_on(tmp_path: Path) -> None:
    house = house_in(tmp_path, StillClock())
    people = settle_people(house.ports)
    old = key_for(house.ports, people.owner)
    house.close()
    path = tmp_path / "daypass.key"
    path.write_text(path.read_text() + f"k2:{KEY}\n")
    house = house_in(tmp_path, StillClock())
    try:
        new = key_for(house.ports, people.owner)
        for key in (old, new):
            found = house.ports.store.read(
                lambda tx, key=key: candidate_for(tx, house.ports, key.access_key_id, None),  # type: ignore[misc]
            )
            assert found.secret == key.secret_access_key
        assert house.ports.keyring.newest == "k2"
    finally:
        house.close()
