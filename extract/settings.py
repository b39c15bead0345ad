"""Settings: from the environment, or from a file given with --envfile.

Every setting is explained in `.env.example`. The environment wins over the file; a setting that is
set but empty counts as not set.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from extract.errors import SettingsError

VENDOR_URL = "https://qtickets.ru/api/rest/v1"


def _identifier(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,62}", value):
        raise ValueError("only letters, digits and _ are allowed, and no digit first")
    return value


class Settings(BaseSettings):
    """What a run needs to know. Field `x_y` is the environment variable `X_Y`."""

    model_config = SettingsConfigDict(
        env_ignore_empty=True, extra="ignore", hide_input_in_errors=True
    )

    qtickets_api_token: SecretStr | None = None
    qtickets_base_url: str = VENDOR_URL

    clickhouse_host: str | None = None
    clickhouse_port: Annotated[int, Field(ge=1, le=65535)] | None = None
    clickhouse_user: str = "default"
    clickhouse_password: SecretStr = SecretStr("")
    clickhouse_secure: bool = False
    clickhouse_database: Annotated[str, AfterValidator(_identifier)] = "zakaz"
    clickhouse_cluster: Annotated[str, AfterValidator(_identifier)] | None = None
    clickhouse_path: Path = Path(".chdb")

    extract_connections: Annotated[int, Field(ge=1, le=32)] = 4
    extract_tries: Annotated[int, Field(ge=1, le=100)] = 8
    extract_patience_seconds: Annotated[float, Field(gt=0)] = 180
    extract_backoff_seconds: Annotated[float, Field(gt=0)] = 0.5
    extract_connect_seconds: Annotated[float, Field(gt=0)] = 10
    extract_read_seconds: Annotated[float, Field(gt=0)] = 60
    extract_overlap_minutes: Annotated[int, Field(ge=0)] = 10
    extract_sweep_hours: Annotated[float, Field(gt=0)] = 24
    extract_fresh_hours: Annotated[float, Field(gt=0)] = 6
    extract_inventory_days: Annotated[int, Field(ge=2)] = 400

    @field_validator("qtickets_base_url")
    @classmethod
    def _is_url(cls, value: str) -> str:
        if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", value):
            raise ValueError(f"must look like {VENDOR_URL}")
        return value.rstrip("/")

    @field_validator("qtickets_api_token")
    @classmethod
    def _is_token(cls, value: SecretStr | None) -> SecretStr | None:
        if value and not re.fullmatch(r"[\x21-\x7e]+", value.get_secret_value()):
            raise ValueError("must be the bare token: no spaces, no `Bearer`, plain ASCII")
        return value

    @field_validator("clickhouse_host")
    @classmethod
    def _is_host(cls, value: str | None) -> str | None:
        if value and not re.fullmatch(r"[A-Za-z0-9._:\[\]-]+", value):
            raise ValueError("must be a bare host name or address: no https://, no path")
        return value

    @model_validator(mode="after")
    def _embedded_needs_no_server(self) -> Self:
        for needy, is_set in (
            ("CLICKHOUSE_SECURE", self.clickhouse_secure),
            ("CLICKHOUSE_CLUSTER", self.clickhouse_cluster),
        ):
            if self.clickhouse_host is None and is_set:
                raise ValueError(f"{needy} is set but CLICKHOUSE_HOST is not")
        return self

    @property
    def clickhouse_place(self) -> str:
        """Where the warehouse is, for messages: host and port, or the embedded path."""
        if self.clickhouse_host is None:
            return f"embedded at {self.clickhouse_path}"
        port = self.clickhouse_port or (8443 if self.clickhouse_secure else 8123)
        return f"{self.clickhouse_host}:{port}"


def load(envfile: Path | None) -> Settings:
    """Read the settings, from `envfile` too when given.

    Raises SettingsError with one line for each setting that is wrong; it never repeats a value.
    """
    if envfile is not None and not envfile.is_file():
        raise SettingsError(f"--envfile {envfile}: there is no such file.")
    try:
        return Settings(_env_file=envfile, _env_file_encoding="utf-8")  # type: ignore[call-arg]
    except ValidationError as error:
        lines = [_explain(str(e["loc"][0]) if e["loc"] else "", e["msg"]) for e in error.errors()]
        raise SettingsError("\n".join(lines)) from None
    except UnicodeDecodeError:
        raise SettingsError(f"--envfile {envfile}: not a text file in UTF-8.") from None


def _explain(field: str, message: str) -> str:
    text = message.removeprefix("Value error, ")
    return f"{field.upper()}: {text}." if field else f"{text}."
