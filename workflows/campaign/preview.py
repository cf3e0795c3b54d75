"""``dualion run --dry-run``: what would be done, counted from the sources."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dualion.results.store import Store
from dualion.structures.errors import InputError
from dualion.structures.records import Rejection
from dualion.workflows.campaign.config import Campaign
from dualion.workflows.campaign.cost import estimated_cost_s
from dualion.workflows.campaign.plan import Ask, structure_key
from dualion.workflows.campaign.sources import source_entries

if TYPE_CHECKING:
    from dualion.screening.screen_options import ScreenOptions


def preview(campaign: Campaign) -> Iterator[tuple[str, str]]:
    """Lines of the plan: a name and a text.

    Raises:
        InputError: a source cannot be read.
    """
    options = campaign.options()
    yield "campaign", f"{campaign.name} in {campaign.folder}"
    keys: set[str] = set()
    cost_s = 0.0
    for source in campaign.sources:
        counts: Counter[str] = Counter()
        for raw in source_entries(source, campaign.folder, offline=campaign.run.offline):
            if isinstance(raw, Rejection):
                counts[raw.reason] += 1
                continue
            key = structure_key(raw)[:16]
            counts["structures"] += 1
            counts["repeated"] += key in keys
            if key not in keys:
                keys.add(key)
                cost_s += estimated_cost_s(raw, options)
        yield "source", f"{source.label()}: {_counted(counts)}"
    yield "ions", f"{', '.join(options.cations)} with {', '.join(options.anions) or 'every anion'}"
    if options.guests:
        yield "guests", ", ".join(map(str, options.guest_anions))
    yield "criterion", _criterion(campaign)
    yield "barriers", _barriers(options)
    yield "tasks", f"{len(keys)} different structures, {_done(campaign, options)}"
    yield "runs on", campaign.cluster.describe()
    yield "expected", f"about {_duration(cost_s)} on one core for all of them"


def _counted(counts: Counter[str]) -> str:
    structures = counts.pop("structures", 0)
    repeated = counts.pop("repeated", 0)
    parts = [f"{structures} structures"] + ([f"{repeated} repeated"] if repeated else [])
    parts += [f"{count} rejected ({reason})" for reason, count in counts.most_common()]
    return ", ".join(parts)


def _criterion(campaign: Campaign) -> str:
    asked = campaign.criterion
    return (
        f"cation below {asked.max_cation_barrier_ev:g} eV, {asked.reading.replace('_', ' ')} "
        f"between {asked.min_ratio:g} and {asked.max_ratio:g}, {asked.dimensionality}D"
    )


def _barriers(options: ScreenOptions) -> str:
    asked, deciding = options.barriers, options.deciding_anion
    by = deciding or asked
    return (
        f"engine {asked.engine}, grid {asked.spacing_angstrom:g} Å, "
        f"conventions {asked.potential.preset}; anion by {by.mechanism.replace('_', ' ')}, "
        f"conventions {by.potential.preset}"
    )


def _done(campaign: Campaign, options: ScreenOptions) -> str:
    """What the store already has."""
    try:
        store = Store.read_only(campaign.store_at)
    except InputError:
        return "none done"
    try:
        plan = int(store.note("plan") or 0)
        left, _ = store.count_pending(plan, Ask.of(options).whole)
        return f"{store.count_entries(plan)['structures'] - left} done"
    finally:
        store.close()


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
