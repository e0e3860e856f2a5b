"""`countenance models`: the model packs that are there, and new ones."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from countenance.bootstrap.settings import Settings, load_settings
from countenance.bootstrap.vision import check_pack, install_model_pack, model_pack
from countenance.cli import output
from countenance.cli.options import Home, Json
from countenance.vision.pack import ModelPack, NetworkSpec, builtin_packs, find_pack, installed_packs

models_app = typer.Typer(help="Model packs: the networks, their hashes, licences and provenance.", no_args_is_help=True)


@models_app.command("list")
def models_list(home: Home = None, json: Json = False) -> None:
    """List the model packs that are there, and say which one is in use.

    Example: `countenance models list`
    """
    settings = load_settings(home)
    packs = _packs(settings)

    def render(console: Console) -> None:
        """Print a table."""
        numbers = ("dimension", "threshold")
        table = output.table("pack", *numbers, "comes from", "in use", "digest", numbers=numbers)
        for pack in packs:
            one = pack_json(pack, settings)
            origin = "Countenance" if one["built_in"] else "installed"
            used = "yes" if one["in_use"] else "no"
            table.add_row(pack.name, str(one["dimension"]), f"{one['threshold']}", origin, used, pack.digest[:12])
        console.print(table)

    output.emit({"packs": [pack_json(pack, settings) for pack in packs]}, as_json=json, render=render)


@models_app.command("show")
def models_show(
    name: Annotated[str | None, typer.Argument(help="A pack's name; left out, the one in use.")] = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Show one model pack: what its networks are, where they come from, and how pictures are fed to them.

    Example: `countenance models show opencv-sface`
    """
    settings = load_settings(home)
    pack = model_pack(settings) if name is None else find_pack(name, installed_in=settings.models)
    networks = {"detector": pack.manifest.detector, "recogniser": pack.manifest.recogniser}
    result = {
        **pack_json(pack, settings),
        "metric": pack.manifest.metric,
        "mirror": pack.manifest.mirror,
        "networks": {role: network_json(pack, spec) for role, spec in networks.items()},
    }
    output.emit(result, as_json=json, render=lambda console: _print_pack(console, result))


@models_app.command("verify")
def models_verify(
    name: Annotated[str | None, typer.Argument(help="A pack's name; left out, all of them.")] = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Check packs: each file's hash, that the networks load, and that they do what the manifest says.

    Example: `countenance models verify`
    """
    settings = load_settings(home)
    packs = _packs(settings) if name is None else (find_pack(name, installed_in=settings.models),)
    with output.progress("Verifying", len(packs), quiet=json) as bar:
        for pack in packs:
            check_pack(settings, pack)
            bar.advance()

    def render(console: Console) -> None:
        """Say what is in order."""
        for pack in packs:
            console.print(f"{pack.name}: both networks are what the manifest says", soft_wrap=True)

    output.emit({"verified": [pack_json(pack, settings) for pack in packs]}, as_json=json, render=render)


@models_app.command("install", no_args_is_help=True)
def models_install(
    folder: Annotated[Path, typer.Argument(help="A folder with manifest.toml and the networks that it names.")],
    home: Home = None,
    json: Json = False,
) -> None:
    """Install a model pack from a folder, once it was checked. The same one twice is installed once.

    Example: `countenance models install downloads/arcface-r50`
    """
    settings = load_settings(home)
    installed = install_model_pack(settings, folder)
    pack = installed.pack

    def render(console: Console) -> None:
        """Say what was done, and how to use it."""
        console.print(f"{'Installed' if installed.new else 'Already installed:'} {pack.name}")
        console.print(f"To use it in a new gallery: COUNTENANCE_MODEL_PACK={pack.name}", soft_wrap=True)

    output.emit({**pack_json(pack, settings), "new": installed.new}, as_json=json, render=render)


def pack_json(pack: ModelPack, settings: Settings) -> dict[str, Any]:
    """Return what tells packs apart as plain JSON types."""
    return {
        "name": pack.name,
        "digest": pack.digest,
        "dimension": pack.manifest.dimension,
        "threshold": pack.manifest.threshold,
        "built_in": pack.name in {builtin.name for builtin in builtin_packs()},
        "in_use": pack.name == settings.model_pack,
    }


def network_json(pack: ModelPack, spec: NetworkSpec) -> dict[str, Any]:
    """Return one network as plain JSON types, with where its file is."""
    return {**spec.model_dump(), "path": str(pack.path(spec))}


def _packs(settings: Settings) -> tuple[ModelPack, ...]:
    """Return all packs, those that come with Countenance first."""
    return (*builtin_packs(), *installed_packs(settings.models))


def _print_pack(console: Console, pack: dict[str, Any]) -> None:
    """Print a pack's facts, then each network's."""
    console.print(output.facts({name: fact for name, fact in pack.items() if name != "networks"}))
    for role, network in pack["networks"].items():
        console.print(f"\n{role}")
        console.print(output.facts(network))
