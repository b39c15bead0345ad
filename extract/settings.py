"""Settings: from the environment, or from a file given with --envfile.

Every setting is explained in `.env.example`. The environment wins over the file; a setting that is
set but empty counts as not set.

The file is read by dbt too, through a shell (`set -a; . ./.env`), and by systemd. So it may hold
only what means the same to all three, and no name of ours that nobody knows. In the environment
others have names like ours (CLICKHOUSE_DB, say): there only a name that is a letter or two away
from one that we know is taken for a mistake.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, get_type_hints

from extract.errors import SettingsError

VENDOR_URL = "https://qtickets.ru/api/rest/v1"


def _yes_or_no(text: str) -> bool:
    # as profiles.example.yml reads it
    if text.lower() not in ("1", "true", "yes", "on", "0", "false", "no", "off"):
        raise ValueError("must be true or false")
    return text.lower() in ("1", "true", "yes", "on")


def _host(text: str) -> str:
    with suppress(ValueError):
        ipaddress.ip_address(text.removeprefix("[").removesuffix("]"))
        return text
    if not re.fullmatch(r"(?=.{1,253}\Z)[\w-]{1,63}(\.[\w-]{1,63})*", text):
        raise ValueError(
            "must be a bare host name or address: no https://, no path, no port (CLICKHOUSE_PORT)"
        )
    return text


def _url(text: str) -> str:
    if text == VENDOR_URL:
        return text
    import httpx

    found = re.fullmatch(r"https?://(\[[^]/]+\]|[^\s/?#@:]+)(:[0-9]{1,5})?(/[^\s?#]*)?", text)
    is_url = False
    with suppress(httpx.InvalidURL, ValueError):
        port = int(found[2][1:]) if found and found[2] else 443
        # a name in the letters of another language is read when it is first asked for
        is_url = bool(found and 0 < port < 65536 and _host(found[1]) and httpx.URL(text).host)
    if not is_url:
        raise ValueError(f"must look like {VENDOR_URL}: a host, no user, no query, port in digits")
    return text.rstrip("/")


_NAME = (
    r"[A-Za-z_][A-Za-z0-9_]{0,62}",
    "only letters, digits and _ are allowed, no digit first, 63 at most",
)
_TOKEN = r"[!-~]+", "must be the bare token: no spaces, no `Bearer`, plain ASCII"
_TEXT = (
    r"(?!\s)[^\x00-\x1f\x7f]+(?<!\s)",
    "has a space or a control character at its end, as files of Windows do",
)
_PATH = f"(?!~){_TEXT[0]}", "must be a directory, written in full: no `~`, no space at its end"


@dataclass(frozen=True, kw_only=True, repr=False)
class Settings:
    """What a run needs to know. Field `x_y` is the environment variable `X_Y`. Never shown whole.

    Beside the type: what makes it of a text, and the bounds of a number (0 is not among those of a
    float), or the pattern of the text and what is said of any other.
    """

    qtickets_api_token: Annotated[str | None, (str, *_TOKEN)] = None
    qtickets_base_url: Annotated[str, (_url,)] = VENDOR_URL

    clickhouse_host: Annotated[str | None, (_host,)] = None
    clickhouse_port: Annotated[int | None, (int, 1, 65535)] = None
    clickhouse_user: Annotated[str, (str, *_TEXT)] = "default"
    clickhouse_password: Annotated[str, (str, *_TEXT)] = ""
    clickhouse_secure: Annotated[bool, (_yes_or_no,)] = False
    clickhouse_database: Annotated[str, (str, *_NAME)] = "zakaz"
    clickhouse_cluster: Annotated[str | None, (str, *_NAME)] = None
    clickhouse_path: Annotated[Path, (Path, *_PATH)] = Path(".chdb")

    extract_connections: Annotated[int, (int, 1, 32)] = 4
    extract_tries: Annotated[int, (int, 1, 100)] = 8
    extract_patience_seconds: Annotated[float, (float, 0, 86_400)] = 180.0
    extract_backoff_seconds: Annotated[float, (float, 0, 3_600)] = 0.5
    extract_connect_seconds: Annotated[float, (float, 0, 3_600)] = 10.0
    extract_read_seconds: Annotated[float, (float, 0, 3_600)] = 60.0
    extract_overlap_minutes: Annotated[int, (int, 0, 10_080)] = 10
    extract_sweep_hours: Annotated[float, (float, 0, 8_760)] = 24.0
    extract_fresh_hours: Annotated[float, (float, 0, 8_760)] = 6.0
    # ClickHouse counts the time to live in a DateTime, which ends in 2106
    extract_inventory_days: Annotated[int, (int, 2, 10_000)] = 400

    @property
    def clickhouse_place(self) -> str:
        """Where the warehouse is, for messages: host and port, or the embedded path."""
        if self.clickhouse_host is None:
            return f"embedded at {self.clickhouse_path}"
        port = self.clickhouse_port or (8443 if self.clickhouse_secure else 8123)
        return f"{self.clickhouse_host}:{port}"


_KNOWN: dict[str, tuple[Any, ...]] = {
    name.upper(): hint.__metadata__[0]
    for name, hint in get_type_hints(Settings, include_extras=True).items()
}
_OURS = ("QTICKETS_", "CLICKHOUSE_", "EXTRACT_")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_FILES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE")
_NETWORK = (*_PROXIES, *map(str.lower, _PROXIES), *_FILES)


def load(envfile: Path | None) -> Settings:
    """Read the settings, from `envfile` too when given.

    What the file says of proxies and certificates becomes part of the environment, as a shell would
    have it. Raises SettingsError with one line for each thing that is wrong: it names it, and never
    repeats a value.
    """
    found = _read_file(envfile) if envfile else {}
    wrong = [f"--envfile {envfile}: {fault}" for name in found for fault in _unknown(name, 0.5)]
    # in the environment others have names like ours
    ours = [name for name in os.environ if name.upper().startswith(_OURS)]
    wrong += [fault for name in ours for fault in _unknown(name, 0.9) if "meant" in fault]
    for name in found.keys() & set(_NETWORK):
        os.environ.setdefault(name, found[name])
    found |= {name: value for name, value in os.environ.items() if value}
    read = {}
    for name, (make, *rule) in _KNOWN.items():
        if found.get(name):
            try:
                read[name.lower()] = _value(found[name], make, *rule)
            except ValueError as error:
                wrong.append(f"{name}: {error}.")
    settings = Settings(**read)
    if settings.clickhouse_host is None:
        for name in ("CLICKHOUSE_SECURE", "CLICKHOUSE_CLUSTER"):
            if read.get(name.lower()) and not found.get("CLICKHOUSE_HOST"):
                wrong.append(f"{name} is set but CLICKHOUSE_HOST is not.")
    wrong += _network_faults()
    if wrong:
        raise SettingsError("\n".join(wrong))
    return settings


def _value(text: str, make: Callable[[str], Any], *rule: Any) -> Any:
    """Return what is made of a setting's text. Raises ValueError, which never repeats it."""
    if make in (int, float):
        low, high = rule
        wanted, digits = f"a whole number from {low} to {high}", "[0-9]{1,9}"
        if make is float:
            wanted, digits = f"a number above 0 and at most {high}", r"[0-9]{1,9}(\.[0-9]{1,9})?"
        number = make(text) if re.fullmatch(digits, text) else -1
        if not low <= number <= high or (make is float and not number):
            raise ValueError(f"must be {wanted}")
        return number
    if rule and not re.fullmatch(rule[0], text):
        raise ValueError(rule[1])
    return make(text)


def _unknown(name: str, likeness: float) -> Iterator[str]:
    """Say that a name that is ours, or so like one of ours, is none."""
    ours = name.upper().startswith(_OURS)
    near = get_close_matches(name.upper(), _KNOWN, 1, likeness if ours else 0.85)
    if name not in _KNOWN and (ours or near):
        yield f"{name}: no such setting" + (f"; is {near[0]} meant?" if near else ".")


# what a shell, systemd and we take for the same text: bare, or in quotes
_LINE = re.compile(
    r"""[ \t]*([A-Za-z_][A-Za-z0-9_]*)=
    ((?!~)(?:[^\s'"\\$`;&|<>()~]|(?<!:)~)* | '[^'\\]*' | "[^"\\$`]*")[ \t]*""",
    re.VERBOSE,
)


def _read_file(path: Path) -> dict[str, str]:
    """Return what the file sets. Raises SettingsError at the first line that is ambiguous."""
    try:
        lines = path.read_bytes().decode("utf-8").split("\n")
    except UnicodeDecodeError:
        raise SettingsError(f"--envfile {path}: not a text file in UTF-8.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no such file"
        raise SettingsError(f"--envfile {path}: {reason}.") from None
    found = {}
    for number, line in enumerate(lines, start=1):
        if parts := _LINE.fullmatch(line):
            name, value = parts.groups()
            found[name] = value[1:-1] if value[:1] in ("'", '"') else value
        elif line.strip(" \t") and not line.lstrip(" \t").startswith("#"):
            raise SettingsError(
                f"--envfile {path}, line {number}: no NAME=value that a shell reads the same way."
                " No spaces around `=`, no `export`, no `~`, `$` and the like, or put '...' around"
                " the value; save it with LF, without a byte order mark."
            )
    return found


def _network_faults() -> list[str]:
    """Say what of proxies and certificates cannot work: httpx is given each alone."""
    network = {name: os.environ.pop(name) for name in _NETWORK if os.environ.get(name)}
    if not network:
        return []
    import ssl

    import httpx

    wrong = []
    for name, value in network.items():
        os.environ[name] = value
        try:
            httpx.Client().close()
        except ImportError:
            wrong.append(f"{name}: only proxies of http:// and https:// can be used, no SOCKS.")
        except ssl.SSLError:
            wrong.append(f"{name}: no certificates in it.")
        except OSError as error:
            wrong.append(f"{name}: {error.strerror}.")
        except (httpx.InvalidURL, ValueError):
            wrong.append(
                f"{name}: must be like http://proxy.example.org:3128, or hosts of NO_PROXY."
            )
        del os.environ[name]
    os.environ.update(network)
    directories = network.get("SSL_CERT_DIR", "").split(os.pathsep)
    hashed = [file for each in directories for file in Path(each).glob("????????.[0-9]*")]
    if "SSL_CERT_DIR" in network and "SSL_CERT_FILE" not in network and not hashed:
        wrong.append("SSL_CERT_DIR: no certificates there, as `openssl rehash` names them.")
    return wrong
