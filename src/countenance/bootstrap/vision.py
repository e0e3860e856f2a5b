"""The model pack in use, the runtime of its networks, and readers of photographs."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from countenance.adapters.openvino import OpenVinoRuntime
from countenance.adapters.process_pool import ProcessPoolReader
from countenance.bootstrap.settings import Settings
from countenance.core.errors import UnavailableError
from countenance.gallery.ports import PhotographReader
from countenance.vision.decode import ImageLimits
from countenance.vision.installation import Installation, install_pack
from countenance.vision.pack import ModelPack, find_pack
from countenance.vision.ports import Runtime
from countenance.vision.service import PackAnalyser


@contextmanager
def open_reader(settings: Settings) -> Iterator[PhotographReader]:
    """Open a reader of many photographs that uses one process a core.

    Raises:
        NotFoundError, IntegrityError: the model pack's; nothing was started.
    """
    model_pack(settings).verify()
    reader = ProcessPoolReader(
        partial(load_analyser, settings, threads=1), image_limits(settings), workers=settings.worker_count
    )
    try:
        yield reader
    finally:
        reader.close()


def image_limits(settings: Settings) -> ImageLimits:
    """Return the bounds of a photograph."""
    return ImageLimits(max_bytes=settings.max_image_bytes, max_pixels=settings.max_image_pixels)


def model_pack(settings: Settings) -> ModelPack:
    """Return the pack in use.

    Raises:
        NotFoundError: code `pack-unknown`.
    """
    return find_pack(settings.model_pack, installed_in=settings.models)


def make_runtime(settings: Settings) -> Runtime:
    """Return what runs the networks.

    Raises:
        UnavailableError: code `runtime-missing`, the extra is not installed.
    """
    if settings.runtime == "openvino":
        return OpenVinoRuntime()
    try:
        from countenance.adapters.onnxruntime import OnnxRuntimeRuntime  # noqa: PLC0415 - an optional extra
    except ModuleNotFoundError:
        raise UnavailableError(
            "ONNX Runtime is not installed",
            code="runtime-missing",
            hint="install countenance[onnxruntime], or leave COUNTENANCE_RUNTIME unset",
        ) from None
    return OnnxRuntimeRuntime()


def load_analyser(settings: Settings, *, threads: int, pack: ModelPack | None = None) -> PackAnalyser:
    """Load a model pack; None means the one in use."""
    return PackAnalyser(
        pack or model_pack(settings), make_runtime(settings), threads=threads, cache=Path(settings.cache) / "networks"
    )


def check_pack(settings: Settings, pack: ModelPack) -> None:
    """Check a pack's hashes, that its networks load, and that they do what its manifest says.

    Raises:
        NotFoundError, IntegrityError: see `vision.service.PackAnalyser`; the pack must not be used.
    """
    load_analyser(settings, threads=1, pack=pack)


def install_model_pack(settings: Settings, folder: Path) -> Installation:
    """Install a model pack from a folder: see `vision.installation.install_pack`."""
    return install_pack(folder, into=settings.models, check=partial(check_pack, settings))
