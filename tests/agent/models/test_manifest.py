"""Which models there are, and what is wrong with an entry of the user's own."""

import pytest

from agent.errors import ModelError
from agent.models.manifest import find_model, known_models, own_models_file
from mcp_registry.home import Home

_SHA = "ab" * 32


def test_the_packaged_models_are_held_to_a_hash_and_say_their_licence(home: Home) -> None:
    models = known_models(home)
    assert list(models) == ["qwen2.5-coder-1.5b", "qwen2.5-coder-0.5b", "smollm2-135m"]
    for spec in models.values():
        assert len(spec.sha256) == 64
        assert spec.licence
        assert spec.context >= 8192
        assert spec.url.endswith(".gguf")
        assert sum(part.size for part in spec.parts) == spec.size


def test_models_of_ones_own_come_first_and_may_replace_a_packaged_one(home: Home) -> None:
    own_models_file(home).write_text(
        f"""
        [mine]
        path = "/data/mine.gguf"

        [smollm2-135m]
        url = "https://mirror.example/Smol.gguf?download=true"
        sha256 = "{_SHA.upper()}"
        """
    )
    models = known_models(home)
    assert list(models)[:2] == ["mine", "smollm2-135m"]
    assert models["mine"].file == "mine.gguf"
    assert models["smollm2-135m"].file == "Smol.gguf"
    assert models["smollm2-135m"].sha256 == _SHA
    assert len(models) == 4


def test_two_models_never_share_a_file(home: Home) -> None:
    file = known_models(home)["smollm2-135m"].file
    own_models_file(home).write_text(f'[other]\nurl = "https://mirror.example/{file}"\nsha256 = "{_SHA}"\n')
    with pytest.raises(ModelError, match=r"other and smollm2-135m are different .* file = 'other\.gguf'"):
        known_models(home)


def test_an_unknown_name_is_answered_with_the_nearest(home: Home) -> None:
    with pytest.raises(ModelError, match=r"did you mean 'qwen2\.5-coder-0\.5b'"):
        find_model(home, "qwen2.5-coder-0.5")
    with pytest.raises(ModelError, match="there are qwen"):
        find_model(home, "zzz")


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("[a]\nlicence = 'MIT'", "no path and no url"),
        ("[a]\nurl = 'https://x.example/a.gguf'", "known by its sha256"),
        ("[a]\nurl = 'https://x.example/a.gguf'\nsha256 = 'abc'", "64 hexadecimal digits"),
        (f"[a]\nurl = 'ftp://x.example/a.gguf'\nsha256 = '{_SHA}'", "not http or https"),
        (f"[a]\nurl = 'https://x.example/a.gguf'\nsha256 = '{_SHA}'\nfile = '../a.gguf'", "plain name"),
        (f"[a]\nurl = 'https://x.example/..%2Fa.zip'\nsha256 = '{_SHA}'", "plain name of a .gguf file"),
        ("[a]\npath = '/a.gguf'\nurl = 'https://x.example/a.gguf'", "write one of them"),
        ("[a]\npaht = '/a.gguf'", "paht"),
        ("a = 1", "outside a table"),
        ("[a", "no TOML"),
        ("['a b']\npath = '/a.gguf'", "letters, digits"),
    ],
)
def test_a_wrong_entry_is_an_error_that_names_the_file_and_the_entry(home: Home, entry: str, problem: str) -> None:
    own_models_file(home).write_text(entry)
    with pytest.raises(ModelError, match=problem) as raised:
        known_models(home)
    assert "models.toml" in str(raised.value)
