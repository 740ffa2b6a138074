"""Pages that a plugin brings: what it declares, what a handler is handed, and what it may answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from webapp.plugin_api.context import PluginContext


@dataclass(frozen=True, slots=True)
class PageRequest:
    """One request, as far as a plugin is told of it.

    moment: of the request, aware. locale: the reader's language, en or zh_CN. args: what stands behind the question mark;
    form: what was posted; of a name that comes twice, the first. word: the unguessable word in a public page's address.
    member: as whom this browser is known to the brand (`member:17`), blank if it is not. joining: where whoever is not known
    leaves a phone or an address, agrees or not, and comes back to this page as a member; blank on staff pages. staff: who is signed in (`staff:5`),
    blank on public pages. base: the address of the plugin's pages, up to the path. origin: the shop's address as members
    reach it ("https://shop.example"), for links that people hand on.
    """

    path: str
    posted: bool
    moment: datetime
    locale: str
    args: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)
    word: str = ""
    member: str = ""
    joining: str = ""
    staff: str = ""
    base: str = ""
    origin: str = ""

    def address(self, path: str = "") -> str:
        """The address of another page of the plugin: of the same word, or of the staff's."""
        return f"{self.base}/{path}" if path else self.base


@dataclass(frozen=True, slots=True)
class Page:
    """Show a template of the plugin's folder `templates/<plugin>/`, filled with values. seconds: how long the reader's own
    browser may keep it. A POST that answers with a page has changed nothing: its unit of work is rolled back."""

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    seconds: int = 0


@dataclass(frozen=True, slots=True)
class Redirect:
    """Go on to an address of the shop ("/..."). said: an English msgid of the plugin's catalogue, shown there, with
    %(name)s places filled from facts."""

    to: str
    said: str = ""
    tone: Literal["good", "warn"] = "good"
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Text:
    """A line or two without any markup, for a script or a machine. seconds: as of a page."""

    text: str
    status: int = 200
    seconds: int = 0


@dataclass(frozen=True, slots=True)
class NotFound:
    """There is nothing at this address."""


Answer = Page | Redirect | Text | NotFound
Handler = Callable[[PluginContext, PageRequest], Answer]


@dataclass(frozen=True, slots=True)
class PublicPage:
    """A page that anybody may open who has its address: `/x/<plugin>/<word>`, and `/x/<plugin>/<word>/<path>` with a path.

    word: an unguessable word that names its brand: an offer's (`OfferView.word`), or one of the plugin's own
    (`ctx.new_word()`). The core sends the request to that brand; whether there is anything behind the word, the handler
    says. posts: it takes forms as well. path: blank, or segments of small letters, digits and dashes.
    """

    path: str
    handler: Handler
    posts: bool = False


@dataclass(frozen=True, slots=True)
class StaffPage:
    """A page for the shop's people: `/plugins/<plugin>`, and `/plugins/<plugin>/<path>` with a path.

    permission: one of the core's, by name; who has it not is refused. label: an English msgid of the plugin's catalogue by
    which the page stands in More; blank: it is reached from another page. help: one line beside the label.
    """

    path: str
    handler: Handler
    permission: str
    posts: bool = False
    label: str = ""
    help: str = ""
