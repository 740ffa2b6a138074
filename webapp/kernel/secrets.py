"""Secrets at rest, and unguessable words for outside links."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets as _secrets
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

# no look-alikes (0/O, 1/I/L) and no vowels that make words
CODE_LETTERS = "23456789BCDFGHJKMNPQRSTVWXYZ"


class SecretBox:
    """Encrypts what must not be readable in a copied database (SMTP passwords). The key is a file of the instance."""

    def __init__(self, key: bytes) -> None:
        self._fernet = Fernet(key)
        self._key = key

    @classmethod
    def of(cls, instance: Path) -> SecretBox:
        """The instance's box; the first call makes the key file, readable by its owner only."""
        path = instance / "secret.key"
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return cls(path.read_bytes().strip())
        with os.fdopen(handle, "wb") as file:
            key = Fernet.generate_key()
            file.write(key)
        return cls(key)

    def seal(self, text: str) -> str:
        """Encrypt."""
        return self._fernet.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """Decrypt. Raises ValueError when the key is another one."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken as why:
            raise ValueError("this secret was sealed with another key") from why

    def derive(self, purpose: str) -> str:
        """A stable secret for one purpose (the session cookie's signature), hex."""
        return hmac.new(self._key, purpose.encode(), hashlib.sha256).hexdigest()


def token(nbytes: int = 16) -> str:
    """An unguessable URL word; 16 bytes are 22 characters."""
    return _secrets.token_urlsafe(nbytes)


def brand_token(brand_id: int, nbytes: int = 16) -> str:
    """An unguessable URL word that says whose it is, so that its row is found by (brand, word). 16 bytes: 24 characters
    and one or two more with a big brand_id."""
    return base64.urlsafe_b64encode(packed(brand_id) + os.urandom(nbytes)).rstrip(b"=").decode()


def brand_of(word: str) -> int | None:
    """The brand that a word names; it may name one that there is not. None: it names none."""
    try:
        raw = base64.b64decode(word + "=" * (-len(word) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return None
    brand_id, _rest = unpacked(raw)
    return brand_id if 0 <= brand_id < 2**63 else None


def packed(number: int) -> bytes:
    """A non-negative number in as few bytes as it needs: seven bits a byte, lowest first; the high bit: more follows."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def unpacked(data: bytes) -> tuple[int, bytes]:
    """The number at the beginning and what follows it; -1 and nothing where it does not end."""
    value = 0
    for place, byte in enumerate(data):
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value, data[place + 1 :]
    return -1, b""


def digest(word: str) -> str:
    """What is stored of a token that only its bearer should know (sha256, hex)."""
    return hashlib.sha256(word.encode()).hexdigest()


def typed_code(length: int = 9) -> str:
    """A code that a clerk types: no look-alike letters, last one a check letter."""
    body = "".join(_secrets.choice(CODE_LETTERS) for _ in range(length - 1))
    return body + check_letter(body)


def check_letter(body: str) -> str:
    """Catches any single wrong letter and any swap of two neighbours (weighted sum, Luhn mod N)."""
    n, total, factor = len(CODE_LETTERS), 0, 2
    for letter in reversed(body):
        addend = factor * CODE_LETTERS.index(letter)
        factor = 1 if factor == 2 else 2
        total += addend // n + addend % n
    return CODE_LETTERS[(n - total % n) % n]


def read_code(typed: str) -> str | None:
    """The code that was meant, upper case without spaces and dashes; None if it cannot be one."""
    code = "".join(c for c in typed.upper() if c.isalnum())
    if len(code) < 4 or any(c not in CODE_LETTERS for c in code) or check_letter(code[:-1]) != code[-1]:
        return None
    return code
