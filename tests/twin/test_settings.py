from __future__ import annotations

import pytest

from twin.errors import Told
from twin.home import Home
from twin.settings import read_settings


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


def write(home, text):
    home.settings_file.write_text(text, encoding="utf-8")


def test_without_a_file_everything_has_a_default(home):
    settings = read_settings(home)
    assert settings.model.base == "pocket"
    assert settings.storage.url is None


def test_an_id_of_a_twin_is_a_short_slug(home):
    assert read_settings(home).storage.twin == "twin"
    write(home, '[storage]\ntwin = "mira-2"\n')
    assert read_settings(home).storage.twin == "mira-2"
    for wrong in ("Mira", "mira'; --", "-mira", "", "m" * 41):
        write(home, f'[storage]\ntwin = "{wrong}"\n')
        with pytest.raises(Told, match=r"storage\.twin"):
            read_settings(home)


def test_the_environment_goes_before_the_file(home, monkeypatch):
    write(home, '[model]\nbase = "google/gemma-3-4b-it"\n[owner]\nname = "Sam"\n')
    monkeypatch.setenv("TWIN_MODEL__BASE", "google/gemma-3-1b-it")
    settings = read_settings(home)
    assert settings.model.base == "google/gemma-3-1b-it"
    assert settings.owner.name == "Sam"


def test_a_secret_may_come_from_the_env_file_and_is_not_shown(home):
    (home.root / ".env").write_text("TWIN_STORAGE__REDIS_URL=redis://:hunter2@127.0.0.1:1/0\n")
    settings = read_settings(home)
    assert settings.storage.redis_url.get_secret_value() == "redis://:hunter2@127.0.0.1:1/0"
    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[model]\nbsae = "pocket"\n', ["'model.bsae'", "Did you mean 'base'?"]),
        ('[modle]\nbase = "pocket"\n', ["'modle'", "Did you mean 'model'?"]),
        (
            "[model]\ntemperature = 'hot'\n",
            ["'model.temperature'", "number", "'hot'", "TWIN_MODEL__TEMPERATURE"],
        ),
        ("[chat]\nhistory = 0\n", ["'chat.history'", "greater than or equal to 1"]),
        ("[owner\n", ["not valid TOML", "line 1"]),
        ("owner = 3\n", ["'owner' is a section", "[owner]"]),
        ('[owner]\ntimezone = "Europe/Atlantis"\n', ["'owner.timezone'", "Atlantis"]),
        ('[discord]\ntoken = "secret"\n', ["'discord.token'", "TWIN_DISCORD__TOKEN"]),
        ('[vault]\nkey = "secret"\n', ["'vault.key'", "TWIN_VAULT__KEY"]),
        ('[telegram]\nwebhook_url = "https://x.example"\n', ["'telegram'", "TWIN_TELEGRAM__WEBHOOK_SECRET"]),
        ('[chat]\nquiet_hours = "late"\n', ["'chat.quiet_hours'", "'late'"]),
        ('[chat]\nallow = ["everybody"]\n', ["'chat.allow.0'", "'everybody'"]),
        ("[chat]\nburst_seconds = 11\n", ["'chat.burst_seconds'", "less than or equal to 10"]),
    ],
)
def test_a_wrong_setting_names_the_key_the_problem_and_the_fix(home, text, words):
    write(home, text)
    with pytest.raises(Told) as told:
        read_settings(home)
    assert all(word in str(told.value) for word in words), str(told.value)


def test_a_file_as_windows_saves_it_is_read(home):
    home.settings_file.write_bytes(b'\xef\xbb\xbf[owner]\r\nname = "Sam"\r\n')
    assert read_settings(home).owner.name == "Sam"
    assert read_settings(home, hosted=True).owner.name == "Sam"


@pytest.mark.parametrize("name", ["twin.toml", ".env"])
def test_a_file_in_another_encoding_is_told_by_name(home, name):
    (home.root / name).write_bytes("[owner]".encode("utf-16"))
    for hosted in (False, True):
        with pytest.raises(Told, match=f"{name} is no text in UTF-8"):
            read_settings(home, hosted=hosted)


@pytest.mark.parametrize("hosted", [False, True])
@pytest.mark.parametrize(
    "line", ['TWIN_DISCORD__TOKEN="s3cret', "TWIN_DISCORD__TOKEN: s3cret", "TWIN_DISCORD__TOKEN"]
)
def test_a_line_of_the_env_file_that_says_nothing_stops_the_start_with_its_number(home, hosted, line):
    (home.root / ".env").write_text(f"# secrets\n\nTWIN_VAULT__KEY=\n\n{line}\n\nTWIN_TELEGRAM__TOKEN=x\n")
    with pytest.raises(Told, match=r"\.env, line 5, is no NAME=value") as told:
        read_settings(home, hosted=hosted)
    assert "s3cret" not in str(told.value)


@pytest.mark.parametrize("line", ["TWIN_OWNER__ALIASES=[s3cret", "TWIN_OWNER=s3cret"])
def test_a_variable_that_cannot_be_read_is_told_without_its_value(home, line):
    (home.root / ".env").write_text(line)
    with pytest.raises(Told, match=r"TWIN_OWNER.*\.env cannot be read") as told:
        read_settings(home)
    assert "s3cret" not in str(told.value)


def test_what_is_foreign_in_the_env_file_is_looked_for_there_too(home):
    (home.root / ".env").write_text("TOKEN=x\n")
    with pytest.raises(Told, match=r"\.env: unknown setting 'token'"):
        read_settings(home)


def test_several_wrong_settings_are_all_named_at_once(home):
    write(home, "[model]\nbsae = 1\n[chat]\nhistroy = 3\n")
    with pytest.raises(Told, match=r"(?s)bsae.*histroy"):
        read_settings(home)


def test_a_misspelt_section_in_the_environment_is_not_silently_ignored(home, monkeypatch):
    monkeypatch.setenv("TWIN_MODLE__BASE", "x")
    with pytest.raises(Told, match="Did you mean 'model'"):
        read_settings(home)


def test_of_a_hosted_home_only_its_own_files_count(tmp_path, monkeypatch):
    homes = {name: Home(tmp_path / name) for name in ("mira", "bo", "cat")}
    for name, home in homes.items():
        home.root.mkdir()
        (home.root / ".env").write_text(f"TWIN_TELEGRAM__TOKEN={name}-token\n")
    (homes["cat"].root / ".env").write_text("TWIN_TELEGRAM__TOKEN=${TWIN_DISCORD__TOKEN}\n")
    write(homes["mira"], '[owner]\nname = "Mira"\n')
    monkeypatch.chdir(homes["bo"].root)  # nor does the .env of where the host was started
    monkeypatch.setenv("TWIN_DISCORD__TOKEN", "the-hosts-token")
    monkeypatch.setenv("TWIN_OWNER__NAME", "Nobody")
    monkeypatch.setenv("TWIN_STORAGE__REDIS_URL", "redis://the-hosts:1/0")
    monkeypatch.setenv("TWIN_NO_SUCH__THING", "1")
    found = {name: read_settings(home, hosted=True) for name, home in homes.items()}
    tokens = {name: one.telegram.token.get_secret_value() for name, one in found.items()}
    assert tokens == {"mira": "mira-token", "bo": "bo-token", "cat": "${TWIN_DISCORD__TOKEN}"}
    assert {one.discord.token for one in found.values()} == {None}
    assert {one.storage.redis_url for one in found.values()} == {None}
    assert found["mira"].owner.name == "Mira"
    assert "Nobody" not in {one.owner.name for one in found.values()}
