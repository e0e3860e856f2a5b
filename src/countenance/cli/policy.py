"""`countenance policy`: what the packs in force say, why, and whether they say what they should."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from countenance.bootstrap.policy import check_vectors, known_packs, open_policy, pack_names
from countenance.bootstrap.settings import Settings, load_settings
from countenance.cli import output
from countenance.cli.options import Home, Json
from countenance.core.clock import utc_now
from countenance.core.errors import IntegrityError, InvalidInputError
from countenance.policy.comparison import compare
from countenance.policy.decision import NOT_LEGAL_ADVICE, Decision
from countenance.policy.pack import LawPack, read_law_pack
from countenance.policy.rendering import lists_json
from countenance.policy.signing import read_private_key, sign_pack
from countenance.policy.vectors import Facts, facts_of, request_of

policy_app = typer.Typer(
    help=f"Law packs: rules as tested data, and what they say of a request. {NOT_LEGAL_ADVICE}", no_args_is_help=True
)

FactOptions = Annotated[
    list[str] | None,
    typer.Argument(help="Facts as NAME=VALUE; those left out are of a search that nothing speaks against."),
]
Packs = Annotated[
    str | None, typer.Option("--packs", help="Decide by these packs, separated by commas, not by those in force.")
]


@policy_app.command("list")
def policy_list(home: Home = None, json: Json = False) -> None:
    """List the law packs, which are in force, and the purposes and offences that they know.

    Example: `countenance policy list`
    """
    settings = load_settings(home)
    packs = known_packs(settings)
    policy = open_policy(settings)
    today = utc_now().date()
    in_force = {pack.name for pack in policy.in_force(today)}
    result = {
        "packs": [pack_json(pack, in_force=pack.name in in_force | {"core"}) for pack in packs],
        **lists_json(policy, today),
    }
    output.emit(result, as_json=json, render=lambda console: _print_list(console, result))


@policy_app.command("check")
def policy_check(facts: FactOptions = None, packs: Packs = None, home: Home = None, json: Json = False) -> None:
    """Decide a request that is described by facts. Ends with 3 where it is not allowed.

    Example: `countenance policy check sector=company place=US-IL purpose=missing-person`
    """
    decision = _decide(load_settings(home), facts, packs)
    decision.require()
    output.emit(decision.as_json(), as_json=json, render=lambda console: console.print("Allowed."))


@policy_app.command("explain")
def policy_explain(facts: FactOptions = None, packs: Packs = None, home: Home = None, json: Json = False) -> None:
    """Say why a request is allowed or not: each rule with its words, its citation, and what would be needed.

    Example: `countenance policy explain sector=company --packs default,us-tx-cubi`
    """
    decision = _decide(load_settings(home), facts, packs)

    def render(console: Console) -> None:
        """Print the decision and its reasons."""
        console.print("Allowed: no rule forbids it." if decision.allowed else "Not allowed.")
        for reason in decision.reasons:
            console.print(f"\n{reason.says} [{reason.rule_id}]", soft_wrap=True)
            console.print(f"  from    {reason.cites}", soft_wrap=True)
            console.print(f"  needed  {reason.needs}", soft_wrap=True)
        console.print(f"\n{NOT_LEGAL_ADVICE}")

    output.emit(decision.as_json(), as_json=json, render=render)


@policy_app.command("diff", no_args_is_help=True)
def policy_diff(
    new: Annotated[str, typer.Argument(help="Packs, separated by commas.")],
    old: Annotated[str | None, typer.Option("--from", help="Packs to compare with; left out, those in force.")] = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Say what other packs would change: rules that come and go, and vectors that are decided otherwise.

    Example: `countenance policy diff default,us-md-cp-2-501`
    """
    settings = load_settings(home)
    before = open_policy(settings, None if old is None else pack_names(old))
    after = open_policy(settings, pack_names(new))
    result = compare(before, after, known_packs(settings), at=utc_now()).as_json()

    def render(console: Console) -> None:
        """Print what changes."""
        for way, sign in (("added", "+"), ("removed", "-"), ("changed", "~")):
            for rule in result[way]:
                console.print(f"{sign} {rule}", soft_wrap=True)
        for one in result["decided_otherwise"]:
            console.print(f"{one['says']}: was {one['before']}, is {one['after']} [{one['pack']}]", soft_wrap=True)
        if not any(result[way] for way in ("added", "removed", "changed", "decided_otherwise")):
            console.print("Nothing changes.")

    output.emit(result, as_json=json, render=render)


@policy_app.command("test")
def policy_test(
    folder: Annotated[
        Path | None, typer.Argument(help="One pack's folder; left out, all packs that are there.")
    ] = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Decide every vector of the packs. Ends with 7 where a rule does not say what its vector wants.

    Example: `countenance policy test drafts/our-own-pack`
    """
    settings = load_settings(home)
    packs = known_packs(settings) if folder is None else (read_law_pack(folder),)
    outcomes = [outcome for pack in packs for outcome in check_vectors(settings, pack)]
    failed = [outcome for outcome in outcomes if not outcome.holds]
    if failed:
        first = failed[0]
        raise IntegrityError(
            f"{len(failed)} of {len(outcomes)} vectors fail; the first: {first.vector.rule}, {first.vector.says}: "
            f"expected {first.vector.expect}, forbidden by {', '.join(first.forbids) or 'nothing'}",
            code="law-pack-vector-failed",
            hint="mend the rule or the vector; until then don't take the pack into use",
        )
    counts = {pack.name: sum(outcome.pack == pack.name for outcome in outcomes) for pack in packs}

    def render(console: Console) -> None:
        """Print the number of vectors by pack."""
        for name, count in counts.items():
            console.print(f"{name}: {count} vectors hold")

    output.emit({"vectors": counts, "note": NOT_LEGAL_ADVICE}, as_json=json, render=render)


@policy_app.command("sign", no_args_is_help=True)
def policy_sign(
    folder: Annotated[Path, typer.Argument(help="The pack's folder.")],
    key: Annotated[Path, typer.Option(help="An Ed25519 private key, PEM.")],
    home: Home = None,
    json: Json = False,
) -> None:
    """Sign a pack as it stands. Whoever trusts the key names it in COUNTENANCE_POLICY_KEYS.

    Example: `countenance policy sign drafts/our-own-pack --key pack.key`
    """
    load_settings(home)
    signer = read_private_key(key)
    pack = read_law_pack(folder, signed=False)
    public = sign_pack(folder, signer)
    result = {"pack": pack.name, "digest": pack.digest, "key": public}
    output.emit(result, as_json=json, render=lambda console: console.print(output.facts(result)))


def pack_json(pack: LawPack, *, in_force: bool) -> dict[str, Any]:
    """Return what a pack says of itself as plain JSON types."""
    manifest = pack.manifest
    return {
        "name": manifest.name,
        "title": manifest.title,
        "kind": manifest.kind,
        "in_force": in_force,
        "citation": manifest.citation,
        "jurisdiction": manifest.jurisdiction,
        "effective": manifest.effective.isoformat(),
        "expires": manifest.expires.isoformat(),
        "reviewed_by": manifest.reviewed_by,
        "limits": manifest.limits,
        "digest": pack.digest,
        "signed_by": pack.signed_by,
        "built_in": pack.built_in,
    }


def _decide(settings: Settings, facts: list[str] | None, packs: str | None) -> Decision:
    """Decide a request that is described by facts, as of now."""
    pairs = {}
    for fact in facts or []:
        name, separator, value = fact.partition("=")
        if not separator:
            raise InvalidInputError(
                f"{fact!r} is no fact",
                code="fact-invalid",
                hint=f"NAME=VALUE; names are {', '.join(Facts.model_fields)}",
            )
        pairs[name] = value
    policy = open_policy(settings, None if packs is None else pack_names(packs))
    return policy.decide(request_of(facts_of(pairs), at=utc_now()))


def _print_list(console: Console, result: dict[str, Any]) -> None:
    """Print the packs and the lists."""
    table = output.table("pack", "in force", "expires", "jurisdiction", "title", numbers={"pack", "expires"})
    for pack in result["packs"]:
        expires = "never" if pack["kind"] == "core" else pack["expires"]
        table.add_row(pack["name"], "yes" if pack["in_force"] else "no", expires, pack["jurisdiction"], pack["title"])
    console.print(table)
    for name in ("purposes", "offences"):
        table = output.table(name, "means", numbers={name})
        for entry in result[name]:
            extra = [
                word for word, flag in (("offence needed", "offence"), ("sensitive", "sensitive")) if entry.get(flag)
            ]
            table.add_row(entry["code"], entry["says"] + (f" ({', '.join(extra)})" if extra else ""))
        console.print(table)
    console.print(result["note"])
