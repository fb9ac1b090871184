from pathlib import Path

import pytest

from tallow.domain.errors import UserError
from tallow.settings import Settings, colours_allowed, load


def file(folder: Path) -> Path:
    return folder / "tallow.toml"


def test_defaults_need_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings, origins = load(environment={})
    assert settings == Settings()
    assert {item.origin for item in origins} == {"default"}
    assert all(item.help for item in origins)


def test_command_line_beats_environment_beats_file_beats_default(tmp_path: Path) -> None:
    (tmp_path / "tallow.toml").write_text('lake = "file"\ncash = 1\nfee = 0.1\n[binance]\ntimeout = 3\n')
    environment = {
        "TALLOW__LAKE": "environment",
        "TALLOW__CASH": "2",
        "TALLOW__BINANCE__SPOT_URL": "http://x",
        "OTHER": "1",
    }
    settings, origins = load({"lake": "line", "palette": None}, environment=environment, file=file(tmp_path))
    assert (settings.lake, settings.cash, settings.fee, settings.palette) == ("line", 2.0, 0.1, "green-red")
    assert (settings.binance.spot_url, settings.binance.timeout) == ("http://x", 3.0)
    where = {item.name: item.origin for item in origins}
    assert where["lake"] == "command line"
    assert where["cash"] == "environment"
    assert where["fee"].endswith("tallow.toml")
    assert where["palette"] == "default"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lakes = 'x'", "nearest"),
        ("cash = 'much'", "is not a number"),
        ("lake = 3", "is not a text"),
        ("cash = true", "is not a number"),
        ("cash = ", "cannot be read"),
        ("[binance]\nweight_per_minute = 'a'", "is not a whole number"),
    ],
)
def test_a_wrong_file_is_named_with_key_and_what_is_valid(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "tallow.toml").write_text(text)
    with pytest.raises(UserError, match="BAD_CONFIG") as caught:
        load(environment={}, file=file(tmp_path))
    assert "tallow.toml" in str(caught.value)
    assert said in str(caught.value)


def test_a_mistyped_variable_is_not_ignored() -> None:
    with pytest.raises(UserError, match="BAD_CONFIG") as caught:
        load(environment={"TALLOW__LAEK": "x"})
    assert "lake" in caught.value.facts["nearest"]


def test_the_working_folder_is_read_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tallow.toml").write_text('lake = "here"')
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TALLOW__LAKE", raising=False)
    assert load()[0].lake == "here"


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        load(environment={}, file=tmp_path / "other.toml")


def test_no_color_is_obeyed() -> None:
    assert colours_allowed({})
    assert not colours_allowed({"NO_COLOR": "1"})


def test_a_variable_with_one_underscore_too_few_is_named() -> None:
    with pytest.raises(UserError) as raised:
        load(environment={"TALLOW_LAKE": "x"})
    assert raised.value.facts == {"nearest": "TALLOW__LAKE"}
    assert load(environment={"TALLOW_SHARED_DATA": "x", "TALLOWLAKE": "y"})[0].lake == "tallow-lake"
