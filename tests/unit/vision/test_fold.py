"""Folding: the same numbers as ONNX defines, cached by hash, made again when damaged, by several processes at once."""

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator

from countenance.core.errors import IntegrityError
from countenance.vision.fold import fold, folded_file
from countenance.vision.pack import NetworkSpec, builtin_packs
from tests.networks import COLUMNS, quantised

NETWORKS = [pytest.param(spec, id=Path(spec.file).name) for pack in builtin_packs() for spec in pack.networks]


def constants(model: onnx.ModelProto) -> dict[str, NDArray[np.generic]]:
    """Return a network's stored tensors by name."""
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def unblocked(model: onnx.ModelProto) -> dict[str, NDArray[np.float64]]:
    """Dequantise every weight of a network block by block, in float64: what folding must come to."""
    held = constants(model)
    weights: dict[str, NDArray[np.float64]] = {}
    for node in model.graph.node:
        if node.op_type == "DequantizeLinear":
            settings = {attribute.name: attribute.i for attribute in node.attribute}
            q, scale, zero = (held[name].astype(np.float64) for name in node.input)
            axis, block = settings["axis"], settings["block_size"]
            whole = np.empty(q.shape)
            for at in range(scale.shape[axis]):
                part = tuple(slice(at * block, (at + 1) * block) if a == axis else slice(None) for a in range(q.ndim))
                one = tuple(slice(at, at + 1) if a == axis else slice(None) for a in range(q.ndim))
                whole[part] = (q[part] - zero[one]) * scale[one]
            weights[node.output[0]] = whole
        elif node.op_type == "Reshape" and node.input[0] in weights:
            weights[node.output[0]] = weights[node.input[0]].reshape(held[node.input[1]])
    return weights


def test_a_folded_network_computes_what_onnx_defines() -> None:
    model = quantised()
    given = np.random.default_rng(2).standard_normal((1, COLUMNS)).astype(np.float32)
    reference = onnx.ModelProto()
    reference.CopyFrom(model)
    del reference.graph.input[1:]  # the evaluator wants every input fed, the quantised weight too
    [expected] = ReferenceEvaluator(reference).run(None, {"x": given})

    folded = fold(model, any_size=False)
    [actual] = ReferenceEvaluator(folded).run(None, {"x": given})

    np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=1e-5)


def test_weights_are_no_inputs_and_the_batch_is_free() -> None:
    folded = fold(quantised(), any_size=False)

    onnx.checker.check_model(folded, full_check=True)
    assert [entry.name for entry in folded.graph.input] == ["x"]
    assert [node.op_type for node in folded.graph.node] == ["MatMul"]
    assert list(constants(folded)) == ["weights"]
    assert folded.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "n"


def test_the_network_given_is_left_as_it_is() -> None:
    model = quantised()
    before = model.SerializeToString(deterministic=True)

    fold(model, any_size=False)

    assert model.SerializeToString(deterministic=True) == before


def test_folding_a_folded_network_changes_nothing() -> None:
    once = fold(quantised(), any_size=False)

    twice = fold(once, any_size=False)

    assert twice.SerializeToString(deterministic=True) == once.SerializeToString(deterministic=True)


@pytest.mark.parametrize("spec", NETWORKS)
def test_the_default_packs_weights_are_folded_exactly(spec: NetworkSpec) -> None:
    [pack] = builtin_packs()
    model = onnx.load(pack.path(spec))
    expected = unblocked(model)

    folded = constants(fold(model, any_size=False))

    compared = [name for name in folded if name in expected]
    assert len(compared) >= 27
    for name in compared:
        assert folded[name].dtype == np.float32
        np.testing.assert_allclose(folded[name], expected[name], rtol=1e-6, atol=0)


@pytest.fixture
def network(tmp_path: Path) -> tuple[Path, str]:
    """A network's file and its hash."""
    path = tmp_path / "network.onnx"
    onnx.save(quantised(), path)
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_folded_file_is_made_once(network: tuple[Path, str], tmp_path: Path) -> None:
    path, sha256 = network
    first = folded_file(path, sha256=sha256, cache=tmp_path / "cache", any_size=False)
    made = first.stat()

    second = folded_file(path, sha256=sha256, cache=tmp_path / "cache", any_size=False)

    assert second == first
    assert (second.stat().st_ino, second.stat().st_mtime_ns) == (made.st_ino, made.st_mtime_ns)


@pytest.mark.parametrize("suffix", [".onnx", ".sha256"])
@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda path: path.write_bytes(path.read_bytes()[:-7]), id="cut short"),
        pytest.param(lambda path: path.write_bytes(b"\xff" + path.read_bytes()[1:]), id="a byte changed"),
        pytest.param(lambda path: path.write_bytes(b""), id="emptied"),
        pytest.param(Path.unlink, id="gone"),
    ],
)
def test_a_damaged_cached_file_is_made_again(
    network: tuple[Path, str], tmp_path: Path, suffix: str, damage: object
) -> None:
    assert callable(damage)
    path, sha256 = network
    folded = folded_file(path, sha256=sha256, cache=tmp_path / "cache", any_size=False)
    whole = folded.read_bytes()
    damage(folded.with_suffix(suffix))

    again = folded_file(path, sha256=sha256, cache=tmp_path / "cache", any_size=False)

    assert again.read_bytes() == whole


def test_processes_at_once_all_get_the_whole_file(network: tuple[Path, str], tmp_path: Path) -> None:
    path, sha256 = network
    program = (
        "import hashlib, sys; from pathlib import Path; from countenance.vision.fold import folded_file;"
        "path = folded_file(Path(sys.argv[1]), sha256=sys.argv[2], cache=Path(sys.argv[3]), any_size=False);"
        "print(hashlib.sha256(path.read_bytes()).hexdigest())"
    )
    command = (sys.executable, "-c", program, str(path), sha256, str(tmp_path / "cache"))

    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    printed = [process.communicate(timeout=120)[0] for process in running]

    assert [process.returncode for process in running] == [0, 0, 0]
    assert len(set(printed)) == 1
    left = sorted(entry.name for entry in (tmp_path / "cache").iterdir())
    assert left == [f"{sha256}-fold2.onnx", f"{sha256}-fold2.sha256"]


@pytest.mark.parametrize("content", [pytest.param(b"", id="empty"), pytest.param(b"no network at all", id="text")])
def test_a_file_that_is_no_network_is_not_cached(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "network.onnx"
    path.write_bytes(content)

    with pytest.raises(IntegrityError) as caught:
        folded_file(path, sha256="0" * 64, cache=tmp_path / "cache", any_size=False)

    assert caught.value.code == "model-unreadable"
    assert not (tmp_path / "cache").exists()
