"""What can be set, and by whom? One twin.toml, TWIN_... variables above it, secrets in .env."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from importlib.abc import Traversable
from pathlib import Path
from typing import Any, Literal

from dotenv import dotenv_values
from dotenv.parser import parse_stream
from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from api.settings import ApiSettings
from bot.settings import ChatSettings, DiscordSettings, LimitSettings, TelegramSettings
from brain.settings import MemorySettings, ModelSettings, ServingSettings
from ingest.settings import OwnerSettings, VaultSettings
from ingest.sync_settings import SyncSettings
from learning.settings import LearningSettings
from storage.settings import StorageSettings
from twin.backup_settings import BackupSettings
from twin.errors import Told
from twin.home import Home
from twin.monitoring import MonitoringSettings
from twin.schedule_settings import RunSettings, ScheduleSettings


class LogSettings(BaseModel):
    """[logs]"""

    model_config = ConfigDict(extra="forbid")

    format: Literal["text", "json"] = "text"


SECRETS = (
    ("discord", "token"),
    ("telegram", "token"),
    ("telegram", "webhook_secret"),
    ("vault", "key"),
    ("api", "discord_client_secret"),
    ("backup", "passphrase"),
    ("runs", "kubernetes_token"),
)


class TwinToml(TomlConfigSettingsSource):
    """twin.toml, also as Windows' editors save it: behind a mark that TOML knows nothing of."""

    def _read_file(self, file_path: Path | Traversable) -> dict[str, Any]:
        return tomllib.loads(file_path.read_text(encoding="utf-8-sig"))


class Settings(BaseSettings):
    """Each folder declares its own part; this puts them side by side."""

    model_config = SettingsConfigDict(
        env_prefix="TWIN_", env_nested_delimiter="__", extra="forbid", env_ignore_empty=True
    )

    owner: OwnerSettings = OwnerSettings()
    vault: VaultSettings = VaultSettings()
    storage: StorageSettings = StorageSettings()
    model: ModelSettings = ModelSettings()
    serving: ServingSettings = ServingSettings()
    memory: MemorySettings = MemorySettings()
    chat: ChatSettings = ChatSettings()
    limits: LimitSettings = LimitSettings()
    discord: DiscordSettings = DiscordSettings()
    telegram: TelegramSettings = TelegramSettings()
    learning: LearningSettings = LearningSettings()
    sync: SyncSettings = SyncSettings()
    api: ApiSettings = ApiSettings()
    backup: BackupSettings = BackupSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    runs: RunSettings = RunSettings()
    monitoring: MonitoringSettings = MonitoringSettings()
    logs: LogSettings = LogSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, dotenv_settings, TwinToml(settings_cls)


class OwnFile(DotEnvSettingsSource):
    """One home's .env and nothing else: `${NAME}` in it stays as it is, or it would read our environment."""

    def _load_env_vars(self) -> Mapping[str, str | None]:
        file = Path(str(self.env_file))
        found = dotenv_values(file, interpolate=False) if file.is_file() else {}
        return {name.lower(): value for name, value in found.items() if value}


class HostedSettings(Settings):
    """Of one of several homes in this process: its twin.toml and its own .env; no environment variables."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, OwnFile(settings_cls), TwinToml(settings_cls)


def read_settings(home: Home, *, hosted: bool = False) -> Settings:
    """The settings of this home; a wrong or unknown key stops the start: the key, the problem and the fix.

    `hosted`: beside others in one process, whose environment is nobody's.
    """
    path = home.settings_file
    try:
        written = tomllib.loads(path.read_text(encoding="utf-8-sig")) if path.exists() else {}
    except UnicodeDecodeError as problem:
        raise Told(
            f"{path} is no text in UTF-8", "save it as UTF-8 in your editor, then try again"
        ) from problem
    except tomllib.TOMLDecodeError as problem:
        raise Told(f"{path} is not valid TOML: {problem}", "mend that line, then try again") from problem
    except OSError as problem:
        raise Told(f"{path} cannot be read: {problem.strerror}", "check who may read it") from problem
    if not hosted:
        _refuse_unknown_variables()
    _refuse_tokens(written, path)
    shape = HostedSettings if hosted else Settings

    class FromHome(shape):  # type: ignore[misc, valid-type]
        model_config = SettingsConfigDict(toml_file=path, env_file=home.root / ".env")

    try:
        _refuse_unreadable_lines(home.root / ".env")
        found: Settings = FromHome()
        return found
    except UnicodeDecodeError as problem:
        raise Told(
            f"{home.root / '.env'} is no text in UTF-8", "save it as UTF-8, then try again"
        ) from problem
    except SettingsError as problem:
        # The cause quotes the value, and that may be a secret.
        section = str(problem).partition('"')[2].partition('"')[0].upper()
        raise Told(
            f"a variable TWIN_{section}... in the environment or {home.root / '.env'} cannot be read",
            """write a list as JSON, TWIN_OWNER__ALIASES='["Mi", "M."]', and no value for a whole section""",
        ) from None
    except ValidationError as invalid:
        problems = [_in_words(error, path) for error in invalid.errors()]
        raise Told(
            "\n".join(problems), "correct that in the file or the environment, then try again"
        ) from None


def _refuse_unreadable_lines(file: Path) -> None:
    """python-dotenv leaves them out with a warning, and a token would just not be there."""
    if not file.is_file():
        return
    with file.open(encoding="utf-8") as stream:
        for binding in parse_stream(stream):
            if binding.error or (binding.key and binding.value is None):
                line, _, _ = binding.original.string.partition(binding.original.string.strip())
                raise Told(  # without what it says, which may be a secret
                    f"{file}, line {binding.original.line + line.count(chr(10))}, is no NAME=value",
                    "mend that line: one name, '=', and its value with a quote at both ends or at neither",
                )


def _refuse_tokens(written: dict[str, Any], path: Path) -> None:
    """A file that is shown, copied and backed up is no place for what logs in as the bot."""
    of_sync = [("sync", name) for name, field in SyncSettings.model_fields.items() if _is_secret(field)]
    for section, key in (*SECRETS, *of_sync):
        part = written.get(section)
        if isinstance(part, dict) and key in part:
            variable = f"TWIN_{section}__{key}".upper()
            raise Told(
                f"{path}: '{section}.{key}' is a secret and does not belong here",
                f"take it out, and put {variable}=... into the environment or into {path.parent / '.env'}",
            )


def secrets_of(settings: Settings) -> dict[str, str]:
    """What must be in no file that is handed on, by the variable that it comes from."""
    return {
        f"TWIN_{section}__{name}".upper(): value.get_secret_value()
        for section in Settings.model_fields
        for name, value in getattr(settings, section)
        if isinstance(value, SecretStr)
    }


def _is_secret(field: FieldInfo) -> bool:
    return "SecretStr" in str(field.annotation)


def _refuse_unknown_variables() -> None:
    for name in os.environ:
        section, nested, _ = name.removeprefix("TWIN_").lower().partition("__")
        if name.startswith("TWIN_") and nested and section not in Settings.model_fields:
            raise Told(
                f"the environment variable {name}: there is no section '{section}'",
                _nearest(section, Settings),
            )


def _in_words(error: Any, path: Path) -> str:
    """One pydantic error as a sentence with the key in it."""
    location = [str(part) for part in error["loc"]]
    key = ".".join(location)
    if error["type"] == "extra_forbidden":
        places = f"{path} or {path.parent / '.env'}" if len(location) == 1 else str(path)
        return f"{places}: unknown setting '{key}'. {_nearest(location[-1], _model_at(location[:-1]))}"
    if error["type"] == "model_type":
        return f"{path}: '{key}' is a section, with a line [{key}] of its own above what is in it"
    given = "" if isinstance(error["input"], dict) else f" (it is {error['input']!r})"
    variable, message = f"TWIN_{'__'.join(location).upper()}", f"{error['msg'][0].lower()}{error['msg'][1:]}"
    return f"{path} or {variable}: '{key}' {message}{given}"


def _model_at(location: list[str]) -> type[BaseModel]:
    model: type[BaseModel] = Settings
    for part in location:
        kind = model.model_fields[part].annotation if part in model.model_fields else None
        if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
            break
        model = kind
    return model


def _nearest(word: str, model: type[BaseModel]) -> str:
    known = list(model.model_fields)
    close = difflib.get_close_matches(word, known, n=1)
    return f"Did you mean '{close[0]}'?" if close else f"Known here: {', '.join(known)}."
