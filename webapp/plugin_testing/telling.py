"""What `ctx.tell` would say, for a plugin's own tests: in English and by each catalogue beside its code.

    said = told(Path(my_plugin.__file__).parent, "Your team is complete: %(offer)s", "Your coupon is good.", offer="Tea")
    assert said["en"].subject == "Your team is complete: Tea"

It holds a message to what the core asks of it, so that a wrong one is found before a member waits for it.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from babel.messages.pofile import read_po

LONGEST = 200  # characters of a subject


class Said(NamedTuple):
    """A message as somebody reads it, without the greeting and the link."""

    subject: str
    text: str


def told(folder: Path, subject: str, text: str, **facts: str | int) -> dict[str, Said]:
    """language -> the message. Raises AssertionError for one that could not be sent, or that a language cannot say."""
    assert all(type(fact) in (str, int) for fact in facts.values()), "facts are texts and whole numbers"
    said = {"en": _filled(subject, text, facts, "en")}
    for path in sorted((folder / "translations").glob("*.po")):
        with path.open("rb") as file:
            known = {str(one.id): str(one.string) for one in read_po(file) if one.id and one.string}
        missing = [message for message in (subject, text) if message not in known]
        assert not missing, f"{path.name} cannot say {missing}"
        said[path.stem] = _filled(known[subject], known[text], facts, path.name)
    return said


def _filled(subject: str, text: str, facts: dict[str, str | int], where: str) -> Said:
    try:
        said = Said(*(message % facts if facts else message for message in (subject, text)))
    except (KeyError, TypeError, ValueError) as why:
        raise AssertionError(f"{where}: the words do not fit the facts: {why!r}") from why
    assert facts or "%(" not in said.subject + said.text, f"{where}: the words ask for facts"
    assert said.subject.strip() and said.subject.isprintable(), f"{where}: a subject is one line"
    assert len(said.subject) <= LONGEST, f"{where}: a subject has at most {LONGEST} characters"
    assert said.text.strip(), f"{where}: a message has a text"
    return said
