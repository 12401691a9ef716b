"""Is a command one that the redirector is for, and which index does each name of it come from?

It is for those that ask with a pip: pip itself, and the programs that start one which reads pip's
variables. Off unless `packages` or `index-strategy` is configured, or the machine's policy says so.
What cannot be kept from going elsewhere stops with one message.
"""

from __future__ import annotations

from shim.config.index import IndexConfig
from shim.config.settings import Settings, load_settings
from shim.core.dataclass import dataclass, field, replace
from shim.core.errors import CannotRoute, ShimError
from shim.core.host import Host
from shim.core.model import (
    AskedIndex,
    Delivery,
    Endpoint,
    Endpoints,
    Invocation,
    Origin,
    Resolution,
    Routes,
)
from shim.core.package_names import owner_of
from shim.core.typing import Iterable, Mapping
from shim.core.urls import shown_url
from shim.routing.default_index import PIP_STARTERS
from shim.routing.inputs import Inputs, refusing_unread, unread
from shim.routing.nesting import MARK, mark
from shim.routing.rewriting import INDEX_OPTIONS, rewrite_pip, rewrite_starter
from shim.tools import Tool
from shim.tools.pip.settings import FileReader, PipSettings, find_verb, read_settings

#: pip's commands that take packages from indexes.
VERBS = frozenset({"install", "download", "wheel", "lock", "index", "list"})
PLACES = ("index", "extra")


@dataclass(frozen=True, slots=True)
class Routing:
    """One command behind the redirector: `added` are needs for indexes that the command itself does
    not name.

    `names` are those that it asks for, as far as they can be read; `pip` its options, where it is
    pip itself. `environ` keeps a program that starts pips from starting something else.
    """

    invocation: Invocation
    endpoints: Endpoints
    added: tuple[Endpoint, ...]
    names: tuple[str, ...]
    pip: PipSettings | None
    environ: Mapping[str, str] = field(default_factory=dict)

    def resolve_added(self, settings: Settings, host: Host) -> tuple[Resolution, ...]:
        """Return the added indexes' answers. One that no known name needs stops nothing."""
        from shim.credentials.resolve import resolve

        resolutions: list[Resolution] = []
        without_login = tuple(replace(index, may_login=False) for index in settings.indexes)
        for endpoint in self.added:
            url = endpoint.url.text
            is_wanted = any(owner_of(name, settings.claims) == url for name in self.names)
            quiet = settings if is_wanted else replace(settings, indexes=without_login)
            try:
                resolutions += resolve(Endpoints((endpoint,)), quiet, host)
            except ShimError as error:
                if is_wanted:
                    raise
                words = f"no credential for {endpoint.url}, which may not be needed"
                host.debug(f"{words}: {error.message}")
                resolutions.append(Resolution(endpoint, None, index=endpoint.index_name))
        return tuple(resolutions)

    def put_into(
        self,
        delivery: Delivery,
        resolutions: tuple[Resolution, ...],
        settings: Settings,
        host: Host,
    ) -> Delivery:
        """Return the delivery with the redirector in it. `answers` are those of all indexes, the
        added ones among them.

        Raises:
            CannotRoute: pip's own way around it cannot be closed.
        """
        address = choose_address(resolutions)
        routed = self._rewrite(delivery, host, address)
        before = delivery.environ
        changed = {name: value for name, value in routed.environ.items() if name not in before}
        environ = {**routed.environ, MARK: mark(changed, host.environ)}
        routes = self._find_routes(resolutions, settings, host)._replace(address=address)
        return replace(routed, environ=environ, routes=routes)

    def _rewrite(self, delivery: Delivery, host: Host, address: str) -> Delivery:
        if self.pip:
            return rewrite_pip(delivery, self.invocation, self.pip, host, address)
        rewritten = rewrite_starter(delivery, host, address)
        return replace(rewritten, environ={**rewritten.environ, **self.environ})

    def _find_routes(
        self, resolutions: tuple[Resolution, ...], settings: Settings, host: Host
    ) -> Routes:
        """Return where names come from: their own index, else the command's, private first."""
        from shim.preflight.route import route_to

        asked: list[AskedIndex] = []
        known = {resolution.endpoint.url.text: resolution for resolution in reversed(resolutions)}
        own = [
            known.get(endpoint.url.text) or Resolution(endpoint, None)
            for endpoint in self.endpoints.items
            if endpoint.role in PLACES
        ]
        for resolution in sorted(own, key=lambda one: rank(one, settings)):
            index = settings.index_for(resolution.endpoint.url)
            route = route_to(resolution.endpoint.url, index, self.invocation, host)
            if resolution.endpoint.url.is_confidential or route.unchecked:
                asked.append(AskedIndex(resolution.endpoint.url, resolution.credential, route))
        last = asked[-1].url.text if asked else None
        return Routes(settings.claims, tuple(asked[:-1]), last, self.names)


def choose_address(resolutions: Iterable[Resolution]) -> str:
    """Return an address of loopback that no credential is for: pip would send it to the redirector
    as well, by its host alone.

    On Linux all of 127.0.0.0/8 is this machine, and pip trusts it; elsewhere it is the first or
    none.
    """
    taken = {resolution.endpoint.url.host for resolution in resolutions if resolution.credential}
    addresses = (f"127.0.0.{number}" for number in range(1, 255))
    return next(address for address in addresses if address not in taken)


def find_routing(
    tool: Tool, invocation: Invocation, endpoints: Endpoints, host: Host
) -> Routing | None:
    """Return how the command is to go behind the redirector; None if it is not for it. The
    configuration speaks of us (`mentions.py`).

    Raises:
        ConfigError: the configuration, which speaks of us, is broken: without it the command could
            ask strangers. CannotRoute: the command would step around it.
    """
    settings = load_settings(host)
    if not settings.claims and settings.index_strategy is None:
        return None
    if invocation.family == "pip":
        return _for_pip(tool, invocation, endpoints, settings, host)
    from shim.routing import own_strategy

    is_own = invocation.tool in own_strategy.TOOLS and invocation.verb != ("publish",)
    if settings.claims and is_own:
        own_strategy.refuse_elsewhere(invocation, endpoints, settings, host)
    if invocation.tool in PIP_STARTERS:
        return _for_starter(invocation, endpoints, settings, host)
    return None


def _for_starter(
    invocation: Invocation, endpoints: Endpoints, settings: Settings, host: Host
) -> Routing | None:
    from shim.routing.starters import find_start

    with refusing_unread(f"a file of {invocation.tool}'s"):
        start = find_start(invocation, settings, host)
    refuse_unread(endpoints, start.own.unreadable_inputs)
    refuse_ways_around(start.own, start.options)
    if not needs_redirector(start.own, start.options, settings):
        return None
    added = add_claiming(start.own, settings)
    return Routing(invocation, start.own, added, start.names, None, start.environ)


def _for_pip(
    tool: Tool, invocation: Invocation, endpoints: Endpoints, settings: Settings, host: Host
) -> Routing | None:
    _, position = find_verb(invocation.argv, invocation.target.version)
    verb = invocation.verb[0] if invocation.verb else ""
    if position is None or verb not in VERBS or tool.read_demand(invocation, host) == "nothing":
        return None
    files = FileReader()
    options = read_settings(invocation.argv, position, invocation.target, host, files)
    inputs = Inputs(host, settings)
    if verb == "index":
        options.arguments = options.arguments[1:]
    refuse_unread(endpoints, files.unread.texts)
    if verb != "list":
        with refusing_unread("a group or script"):
            inputs.read_command(options)
    refuse_ways_around(endpoints, options)
    if not needs_redirector(endpoints, options, settings):
        return None
    added = add_claiming(endpoints, settings)
    return Routing(invocation, endpoints, added, tuple(inputs.names), options)


def needs_redirector(endpoints: Endpoints, options: PipSettings, settings: Settings) -> bool:
    """Whether a pip has a choice of indexes, or names are claimed, and it asks an index at all."""
    places = [endpoint for endpoint in endpoints.items if endpoint.role in PLACES]
    return not options.is_on("no-index") and bool(settings.claims or places[1:])


def add_claiming(endpoints: Endpoints, settings: Settings) -> tuple[Endpoint, ...]:
    """Return an endpoint for each index that claims names and that the command does not ask."""
    places = (endpoint for endpoint in endpoints.items if endpoint.role in PLACES)
    known = {endpoint.url.text.rstrip("/") for endpoint in places}
    claiming = (index for index in settings.indexes if index.packages)
    return tuple(_endpoint_of(one) for one in claiming if one.url.text.rstrip("/") not in known)


def _endpoint_of(index: IndexConfig) -> Endpoint:
    origin = Origin("config", f"packages of [[index]] {index.name}")
    return Endpoint(index.url, origin, "extra", index.name, index.username)


def refuse_unread(endpoints: Endpoints, texts: Iterable[str] = ()) -> None:
    """Stop for what nobody but pip can read, and may name an index: what is on a server, and what
    the `texts` name. Projects name none.

    Raises:
        CannotRoute: there is something.
    """
    remote = (str(endpoint.url) for endpoint in endpoints.items if endpoint.role == "input")
    if what := next(iter((*remote, *endpoints.careless, *texts)), None):
        raise unread(what)


def refuse_ways_around(endpoints: Endpoints, options: PipSettings) -> None:
    """Stop for an index or a place of links that pip alone would read, and for one that nobody can
    be redirected to.

    Raises:
        CannotRoute: there is one.
    """
    stake = "which pip would take packages from whatever `packages` and `index-strategy` say"
    for mention in options.all("find-links"):
        if "://" in mention.text and mention.text[:5].lower() != "file:":
            hint = "fetch its files into a folder, and name that: --find-links FOLDER"
            page = f"names a page of links, {shown_url(mention.text)}, {stake}"
            raise CannotRoute(f"{mention.origin} {page}", hint=hint)
    for name in INDEX_OPTIONS if not options.is_on("no-index") else ():
        for mention in options.all(name):
            if not mention.text.strip()[:6].lower().startswith(("http:", "https:")):
                hint = "leave it out, or serve that folder: python -m http.server --bind 127.0.0.1"
                index = f"names an index on disk, {shown_url(mention.text)}, {stake}"
                raise CannotRoute(f"{mention.origin} {index}", hint=hint)
    if endpoints.malformed:
        endpoint = endpoints.malformed[0]
        what = "is written with blanks, quotes or control characters"
        raise CannotRoute(f"{endpoint.url} (from {endpoint.origin}) {what}", hint="take them out")
    for endpoint in endpoints.items:
        if endpoint.origin.project and endpoint.role in (*PLACES, "links"):
            hint = (
                "take that line out, and name the index where shim can see to it:"
                f" PIP_EXTRA_INDEX_URL={endpoint.url}"
            )
            raise CannotRoute(f"{endpoint.origin} names {endpoint.url}, {stake}", hint=hint)


def rank(resolution: Resolution, settings: Settings) -> int:
    """Return an index's rank for unclaimed names: private ones first, public ones last."""
    index = settings.index_for(resolution.endpoint.url)
    if resolution.endpoint.url.is_public:
        return 3
    if resolution.credential or (index and index.packages):
        return 0
    return 1 if index and index.on_failure != "pass" else 2


def describe(routes: Routes) -> list[str]:
    """Return from which index each known name comes, and why, in words; and all others."""
    order = [*(asked.url.text for asked in routes.asked), *([routes.last] if routes.last else [])]
    unclaimed = f"the first of {', '.join(order)} that has it"
    if not order[1:]:
        unclaimed = order[0] if order else "nowhere"
    owners = {name: owner_of(name, routes.claims) for name in routes.names}
    lines = [
        f"{name} comes from {url}: its packages claim it" for name, url in owners.items() if url
    ]
    unowned = [name for name, url in owners.items() if not url]
    lines += [f"{name} comes from {unclaimed}: no index claims it" for name in unowned]
    lines += [f"{pattern} would come from {url}" for pattern, url in routes.claims]
    return [*lines, f"any other name would come from {unclaimed}"]
