"""Text of game files: reading it safely, cutting it into tokens, and turning numbers into exact fractions.

Every problem is an `InputError` that begins with the line where it was found; `from_files` adds the file's name.
"""

from __future__ import annotations

import math
import re
import stat
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from games.errors import InputError
from games.limits import available_bytes

MAX_NUMBER = 1000
"""A number written with more characters than this is refused: none is meant, and exact arithmetic would crawl."""
MAX_EXPONENT = 2000
"""Beyond it a number of at most `MAX_NUMBER` characters is zero or infinite in float64."""

_SKIP = re.compile(r"(?:[\s,]|//[^\n]*|#[^\n]*)*+")
_STRING = re.compile(r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"', re.DOTALL)
_WORD = re.compile(r'(?:[^\s,{}"/]|/(?!/))++')
_ESCAPE = re.compile(r'\\(["\\])')
_DECIMAL = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE]([+-]?\d+))?", re.ASCII)


def read_bytes(path: Path) -> bytes:
    """The content of a regular, non-empty file that fits in memory."""
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise InputError("is a folder; expected a game file")
        if not stat.S_ISREG(status.st_mode):
            raise InputError("is not a regular file")
        if status.st_size > available_bytes() // 16:
            raise InputError(f"is {status.st_size:,} bytes long, too large to read into memory as text")
        content = path.read_bytes()
    except FileNotFoundError:
        raise InputError("no such file") from None
    except PermissionError:
        raise InputError("permission to read it is denied") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL character in the name
        raise InputError(f"cannot be read ({error})") from None
    if not content.strip():
        raise InputError("the file is empty")
    return content


def decode(content: bytes) -> str:
    """Text of a file in UTF-8, in UTF-16 with its mark (as spreadsheets save), or else in Windows-1252."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def is_binary(text: str) -> bool:
    """Whether the beginning of `text` has characters that no text file has."""
    return any(ord(c) < 32 and c not in "\t\n\r\f\v\x1a" for c in text[:4096])


def shown(token: str) -> str:
    """A token as it appears in messages: quoted, and cut when long."""
    return repr(token if len(token) <= 40 else token[:37] + "...")


def exact(token: str) -> Fraction:
    """The value of a number as written: integer, decimal, with exponent, or a ratio of two of these.

    Raises
    ------
    InputError
        If it is not such a number, has a zero denominator, or is beyond the range of float64.
    """
    if len(token) > MAX_NUMBER:
        raise InputError(f"a number written with {len(token):,} characters; at most {MAX_NUMBER} are read")
    head, slash, tail = token.partition("/")
    value = _decimal(head, token)
    if slash:
        below = _decimal(tail, token) if tail[:1] not in "+-" else _decimal("", token)
        if below == 0:
            raise InputError(f"{shown(token)} has a zero denominator")
        value /= below
    try:
        float(value)
    except OverflowError:
        raise InputError(f"{shown(token)} is not a finite float64 number") from None
    return value


def _decimal(text: str, token: str) -> Fraction:
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise InputError(f"expected a number, found {shown(token)}")
    exponent = match[1]
    if exponent and abs(int(exponent)) > MAX_EXPONENT:
        if exponent[0] != "-" and text[: match.start(1)].strip("+-0.eE"):
            raise InputError(f"the exponent of {shown(token)} is beyond the range of float64")
        return Fraction(0)
    return Fraction(text)


class Tokens:
    """A cursor over the tokens of a Gambit file: braces, quoted strings and bare words.

    Commas count as white space; `//` outside quotes, or `#` where a token could begin, starts
    a comment to the end of the line.
    In a quoted string, a backslash before a quote or a backslash takes it literally; any other stays.

    Attributes
    ----------
    kind : str
        What stands at the cursor: "{", "}", "string", "word" or "end".
    value : str
        Its text, without quotes and escapes.
    start : int
        Where it begins in `text`.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.end = 0
        self._numbers: dict[str, Fraction] = {}
        self.advance()

    def advance(self) -> None:
        """Move to the next token."""
        text = self.text
        start = self.start = _SKIP.match(text, self.end).end()  # type: ignore[union-attr]
        if start >= len(text) or text[start] == "\x1a":  # a DOS end-of-file mark
            self.kind, self.value, self.end = "end", "the end of the file", len(text)
            return
        first = text[start]
        if first in "{}":
            self.kind, self.value, self.end = first, first, start + 1
        elif first == '"':
            match = _STRING.match(text, start)
            if match is None:
                raise self.error("a quoted name begins here and is never closed")
            value = match[1]
            self.kind, self.end = "string", match.end()
            self.value = _ESCAPE.sub(r"\1", value) if "\\" in value else value
        else:
            match = _WORD.match(text, start)
            assert match is not None
            self.kind, self.value, self.end = "word", match[0], match.end()

    def line(self, at: int | None = None) -> int:
        """The line number, from 1, of a position (the cursor's by default)."""
        before = self.text[: self.start if at is None else at]
        return before.count("\n") + 1 if "\n" in self.text else before.count("\r") + 1

    def error(self, message: str, at: int | None = None) -> InputError:
        """An error that names the line of the cursor or of another position."""
        return InputError(f"line {self.line(at)}: {message}")

    def found(self) -> str:
        """The token at the cursor, for messages."""
        return self.value if self.kind == "end" else shown(self.value)

    def take(self, kind: str, what: str) -> str:
        """Step over a token of this kind and return its text."""
        if self.kind != kind:
            raise self.error(f"expected {what}, found {self.found()}")
        value = self.value
        self.advance()
        return value

    def optional(self, kind: str) -> str | None:
        """Step over a token of this kind if it stands here."""
        return self.take(kind, kind) if self.kind == kind else None

    def labels(self, what: str) -> tuple[str, ...]:
        """A list of names in braces; bare words count as names."""
        opened = self.start
        self.take("{", f"'{{' and {what}")
        names = []
        while self.kind in ("string", "word"):
            names.append(self.value)
            self.advance()
        if self.kind != "}":
            raise self.error(
                f"expected '}}' after {what} (opened on line {self.line(opened)}), found {self.found()}"
            )
        self.advance()
        return tuple(names)

    def integer(self, what: str) -> int:
        """A non-negative integer of at most nine digits."""
        value = self.value
        if self.kind != "word" or not (value.isascii() and value.isdigit()):
            raise self.error(f"expected {what}, found {self.found()}")
        if len(value.lstrip("0")) > 9:
            raise self.error(f"{what} {shown(value)} is too large")
        self.advance()
        return int(value[-9:])

    def number(self, what: str) -> Fraction:
        """A number, exactly as written."""
        if self.kind != "word":
            raise self.error(f"expected {what}, found {self.found()}")
        value = self._numbers.get(self.value)
        if value is None:
            try:
                value = exact(self.value)
            except InputError as error:
                raise self.error(f"{what}: {error}") from None
            self._numbers[self.value] = value
        self.advance()
        return value

    def real(self, what: str) -> float:
        """A number, rounded once to float64."""
        value = self.value
        if self.kind == "word" and len(value) <= MAX_NUMBER and _DECIMAL.fullmatch(value):
            rounded = float(value)
            if math.isfinite(rounded):
                self.advance()
                return rounded
        return float(self.number(what))

    def numbers(self, count: int, what: str) -> tuple[Fraction, ...]:
        """Numbers in braces, exactly `count` of them."""
        opened = self.start
        self.take("{", f"'{{' and {what}")
        values: list[Fraction] = []
        while self.kind == "word":
            values.append(self.number(what))
        self.take("}", f"'}}' or a number among {what}")
        if len(values) != count:
            raise self.error(f"expected {count} {what}, found {len(values)}", opened)
        return tuple(values)

    def finish(self, after: str) -> None:
        """Check that nothing is left."""
        if self.kind != "end":
            raise self.error(f"expected the end of the file after {after}, found {self.found()}")


def header(tokens: Tokens, magic: str, version: str) -> tuple[str, tuple[str, ...]]:
    """The prologue that .nfg and .efg share: magic word, version, number type, title, players."""
    if tokens.kind != "word" or tokens.value.upper() != magic:
        raise tokens.error(f"expected a file that begins with '{magic} {version} R', found {tokens.found()}")
    tokens.advance()
    if tokens.take("word", f"the version number {version}") != version:
        raise tokens.error(f"only version {version} of the {magic} format is known")
    if tokens.take("word", "the number type R or D").upper() not in ("R", "D"):
        raise tokens.error("expected the number type R (rational) or D (decimal)")
    title = tokens.optional("string")
    if title is None:
        title = tokens.optional("word") or ""
    players = tokens.labels("the players' names")
    if not players:
        raise tokens.error("the game has no players")
    return title, players


def named(names: Sequence[str], prefix: str = "") -> tuple[str, ...]:
    """Names with empty ones replaced by their number."""
    return tuple(name or f"{prefix}{k + 1}" for k, name in enumerate(names))
