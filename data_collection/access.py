"""Which service is asked, and with which key. The key comes from the environment alone."""

from __future__ import annotations

import os
from typing import Final
from urllib.parse import urlsplit

from data_collection.errors import AccessError, InputError

OPENAI_URL: Final = "https://api.openai.com/v1"


def base_url_from(given: str | None) -> str:
    """The address to ask: the one given, else that of ``OPENAI_BASE_URL``, else OpenAI's.

    Raises
    ------
    InputError
        It is no address, or holds a password.
    """
    url = (given or os.environ.get("OPENAI_BASE_URL") or OPENAI_URL).rstrip("/")
    parts = urlsplit(url)
    if parts.password or parts.username:
        # Addresses are shown in messages, so a password must not be part of one.
        raise InputError(
            "the address holds a user name or a password",
            remedy="Give the address without it, and the key in OPENAI_API_KEY.",
        )
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError(
            "the address of the service cannot be read",
            value=url,
            allowed="http:// or https://, a host and mostly /v1",
            remedy="For example --base-url http://127.0.0.1:8000/v1.",
        )
    return url


def key_from_environment(base_url: str) -> str:
    """The API key of ``OPENAI_API_KEY``, or "": servers of one's own mostly ask for none.

    Raises
    ------
    AccessError
        There is no key and the service is OpenAI's, or the key cannot be one.
    """
    key = os.environ.get("OPENAI_API_KEY", "").strip()
    if not key:
        if base_url == OPENAI_URL:
            raise AccessError(
                "there is no API key",
                remedy="Put it into the environment variable OPENAI_API_KEY, or name another "
                "service with --base-url.",
            )
        return ""
    if not (key.isascii() and key.isprintable()) or " " in key:
        # Shown neither here nor by the HTTP library, which would quote the header.
        raise AccessError(
            "the API key holds a character that no key has, such as a blank or a line break",
            remedy="Set OPENAI_API_KEY to the key alone.",
        )
    return key
