"""Keys and passwords: from the environment, from pymatgen's settings, from a keyring.

They are never written anywhere, and objects that hold them do not show them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from dualion.structures.sources.errors import MissingCredentialsError

KEYRING_SERVICE = "dualion"
MP_KEY_LENGTH = 32
MP_VARIABLES = ("MP_API_KEY", "PMG_MAPI_KEY")
ICSD_USER_VARIABLE = "ICSD_USERNAME"
ICSD_PASSWORD_VARIABLE = "ICSD_PASSWORD"


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A secret text and where it was found; its text form hides it."""

    value: str = field(repr=False)
    found_in: str

    def __str__(self) -> str:
        return f"[secret from {self.found_in}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A user name and a password."""

    user: Secret
    password: Secret


def materials_project_key() -> Secret:
    """The user's key of the Materials Project.

    Raises:
        MissingCredentialsError: there is none, or it is of the old kind.
    """
    found = find_materials_project_key()
    if found is None:
        raise MissingCredentialsError(
            "The Materials Project needs a free API key: get one at "
            "https://next-gen.materialsproject.org/api and set MP_API_KEY (or PMG_MAPI_KEY in "
            "pymatgen's settings), or use --offline for what is in the cache."
        )
    if len(found.value) != MP_KEY_LENGTH:
        raise MissingCredentialsError(
            f"The key of the Materials Project in {found.found_in} has {len(found.value)} "
            f"characters; current keys have {MP_KEY_LENGTH}. Get one at "
            "https://next-gen.materialsproject.org/api."
        )
    return found


def find_materials_project_key() -> Secret | None:
    """The first key in the environment, pymatgen's settings or the keyring; None without."""
    for variable in MP_VARIABLES:
        value = os.environ.get(variable, "").strip()
        if value:
            return Secret(value=value, found_in=f"the environment ({variable})")
    value = _pymatgen_setting("PMG_MAPI_KEY")
    if value:
        return Secret(value=value, found_in="pymatgen's settings")
    return from_keyring("materials_project")


def icsd_login() -> Login:
    """The user's login of the ICSD web API.

    Raises:
        MissingCredentialsError: user name or password is missing.
    """
    found = find_icsd_login()
    if found is None:
        raise MissingCredentialsError(
            "The ICSD web API needs the login of your institution's API licence (FIZ Karlsruhe): "
            f"set {ICSD_USER_VARIABLE} and {ICSD_PASSWORD_VARIABLE}, or store both in a keyring "
            f"(keyring set {KEYRING_SERVICE} icsd_username, … icsd_password). Without an API "
            "licence, export CIFs from the ICSD's web page and give the file or folder."
        )
    return found


def find_icsd_login() -> Login | None:
    """User name and password from the environment or the keyring; None without."""
    secrets = []
    for variable, entry in (
        (ICSD_USER_VARIABLE, "icsd_username"),
        (ICSD_PASSWORD_VARIABLE, "icsd_password"),
    ):
        value = os.environ.get(variable, "")
        found = (
            Secret(value=value, found_in=f"the environment ({variable})")
            if value
            else from_keyring(entry)
        )
        if found is None:
            return None
        secrets.append(found)
    return Login(user=secrets[0], password=secrets[1])


def from_keyring(entry: str) -> Secret | None:
    """An entry of the service ``dualion`` in the system's keyring; None without one."""
    try:
        import keyring
        import keyring.errors
    except ImportError:
        return None
    try:
        value = keyring.get_password(KEYRING_SERVICE, entry)
    except (keyring.errors.KeyringError, OSError, RuntimeError):
        return None
    return Secret(value=value, found_in="the keyring") if value else None


def keyring_is_usable() -> bool:
    """Whether the optional package is there and has a store behind it."""
    try:
        import keyring
        import keyring.errors
        from keyring.backends.fail import Keyring as NoKeyring
    except ImportError:
        return False
    try:
        return not isinstance(keyring.get_keyring(), NoKeyring)
    except (keyring.errors.KeyringError, OSError, RuntimeError):
        return False


def _pymatgen_setting(name: str) -> str:
    """A text of pymatgen's settings file, or nothing."""
    from pymatgen.core import SETTINGS

    value = SETTINGS.get(name)
    return value.strip() if isinstance(value, str) else ""
