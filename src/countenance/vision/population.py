"""A population of made-up people: aggregated moments of a model pack's templates, and templates drawn from them.

For benchmarks, for galleries that are too small to say what strangers score, and for tests. A drawn template belongs to
nobody: the model holds one mean and two covariances over hundreds of people, no template of anybody.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, model_validator

from countenance.core.arrays import Templates
from countenance.core.errors import InvalidInputError
from countenance.vision.pack import ModelPack

POPULATION = "population.json"
"""Beside a pack's manifest; a pack need not have one."""

CHUNK_ROWS = 8_192
"""Rows that are drawn together: the last chunk of a draw is drawn whole and cut."""

FORMAT: Literal[1] = 1

TYPICAL_SHAPES: Mapping[str, float] = {"person_shape": 9.0, "picture_shape": 3.4}
"""Shapes of the scales where there is too little to fit them by: the default pack's, measured on lfw-dev."""

Matrix = NDArray[np.float64]
Subjects = NDArray[np.int64]


class PopulationFile(BaseModel):
    """The file's shape."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1]
    pack: str | None
    person_shape: Annotated[FiniteFloat, Field(gt=0)]
    picture_shape: Annotated[FiniteFloat, Field(gt=0)]
    mean: list[FiniteFloat]
    spread: list[Annotated[FiniteFloat, Field(ge=0)]]
    axes: list[list[FiniteFloat]]

    @model_validator(mode="after")
    def _agree(self) -> Self:
        """Refuse shapes that contradict each other."""
        lengths = [len(self.spread), len(self.axes), *(len(row) for row in self.axes)]
        if set(lengths) != {len(self.mean)}:
            raise ValueError("its shapes contradict each other")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnTemplates:
    """Some rows of a population.

    Attributes:
        subjects: int64, shape (n,), from 0, rising.
        templates: float32, shape (n, d), unit L2 rows.
    """

    subjects: Subjects
    templates: Templates


@dataclass(frozen=True, kw_only=True, eq=False)
class Population:
    """How a pack's templates are spread: between persons, and between pictures of one person.

    A template is `mean + (s * spread * u + t * v) @ axes`, brought to unit norm: u is a person's, v a picture's vector
    of independent standard normal numbers; s and t are a person's and a picture's scale, from gamma distributions of
    mean square 1. In the axes' coordinates pictures of one person spread by 1 in every direction.

    Attributes:
        pack_digest: The pack whose templates they are; None where they were made up.
        mean: float64, shape (d,).
        axes: float64, shape (d, d); the within-person covariance is `axes.T @ axes`.
        spread: float64, shape (d,), at least 0; between persons the covariance is `axes.T @ diag(spread ** 2) @ axes`.
        person_shape: Shape k of the persons' scale: s ** 2 is gamma distributed with shape k and mean 1.
        picture_shape: The same for pictures: t ** 2.

    Source:
        Two-covariance model of speaker and face recognition: Brümmer, de Villiers, "The speaker partitioning problem",
        Odyssey 2010, section 2; gamma scales make it a normal variance mixture (variance-gamma: Madan, Seneta 1990).
    """

    pack_digest: str | None
    mean: Matrix
    axes: Matrix
    spread: Matrix
    person_shape: float
    picture_shape: float

    @property
    def dim(self) -> int:
        """Number of columns of a template."""
        return len(self.mean)

    @cached_property
    def digest(self) -> str:
        """Hex SHA-256 of the numbers."""
        return hashlib.sha256(write_population(self).encode()).hexdigest()

    def draw(self, rows: int, *, seed: int, start: int = 0, templates_per_subject: int = 1) -> DrawnTemplates:
        """Draw rows `start` to `start + rows`; row i is the same whatever else is drawn with it.

        Args:
            templates_per_subject: Rows that follow each other are one subject's; at least 1.
        """
        parts = list(self.stream(rows, seed=seed, start=start, templates_per_subject=templates_per_subject))
        return DrawnTemplates(
            subjects=np.concatenate([np.zeros(0, np.int64), *(part.subjects for part in parts)]),
            templates=np.concatenate([np.zeros((0, self.dim), np.float32), *(part.templates for part in parts)]),
        )

    def stream(
        self, rows: int, *, seed: int, start: int = 0, templates_per_subject: int = 1
    ) -> Iterator[DrawnTemplates]:
        """Draw the same rows as `draw` in chunks of at most `CHUNK_ROWS`, in constant memory."""
        if rows < 0 or start < 0 or not 1 <= templates_per_subject <= CHUNK_ROWS:
            raise ValueError(f"can't draw {rows} rows from row {start}, {templates_per_subject} a subject")
        size = CHUNK_ROWS // templates_per_subject * templates_per_subject
        for chunk in range(start // size, -(-(start + rows) // size) if rows else 0):
            first = chunk * size
            kept = slice(max(start - first, 0), min(start + rows - first, size))
            subjects = np.arange(first + kept.start, first + kept.stop, dtype=np.int64) // templates_per_subject
            templates = self._chunk(np.random.default_rng([seed, chunk]), size, templates_per_subject)
            yield DrawnTemplates(subjects=subjects, templates=templates[kept])

    def _chunk(self, rng: np.random.Generator, rows: int, each: int) -> Templates:
        """Draw one chunk of whole subjects; where each has one row, person and picture are drawn as one sum."""
        persons = _squares(rng, rows // each, self.person_shape) * np.square(self.spread).astype(np.float32)
        pictures = _squares(rng, rows, self.picture_shape)
        unit = rng.standard_normal((rows, self.dim), dtype=np.float32)
        if each == 1:
            persons += pictures
            unit *= np.sqrt(persons, out=persons)
        else:
            unit *= np.sqrt(pictures)
            person = rng.standard_normal((rows // each, self.dim), dtype=np.float32)
            unit += np.repeat(person * np.sqrt(persons), each, axis=0)
        templates = unit @ self.axes.astype(np.float32)
        templates += self.mean.astype(np.float32)
        templates /= np.sqrt(np.einsum("ij,ij->i", templates, templates))[:, None]
        return templates


def fit_population(
    templates: Templates, subjects: Subjects, *, pack_digest: str | None, person_shape: float, picture_shape: float
) -> Population:
    """Estimate mean and covariances by moments; the scales' shapes are given.

    Each subject counts once between persons; within persons the scatter of all subjects is pooled.

    Args:
        templates: float32, shape (n, d), unit L2 rows; not modified.
        subjects: int64, shape (n,).

    Raises:
        InvalidInputError: code `population-too-small`: fewer than 2 d second pictures, or than 2 d subjects.

    Source:
        One-way multivariate analysis of variance: Searle, Casella, McCulloch, "Variance Components", 1992, chapter 3;
        simultaneous diagonalisation: Fukunaga, "Introduction to Statistical Pattern Recognition", 1990, section 2.3.
    """
    _, counts = np.unique(subjects, return_counts=True)
    second = len(subjects) - len(counts)
    least = 2 * templates.shape[1]
    if min(second, len(counts)) < least:
        raise InvalidInputError(
            f"{len(counts)} subjects with {second} further pictures don't make a population",
            code="population-too-small",
            hint=f"at least {least} of each are needed",
        )
    return _moments(templates, subjects, pack_digest=pack_digest, shapes=(person_shape, picture_shape))


def refit_population(population: Population, templates: Templates, subjects: Subjects) -> Population:
    """Estimate the moments of other people, as `fit_population` does; shapes and pack stay, and any number will do."""
    shapes = (population.person_shape, population.picture_shape)
    return _moments(templates, subjects, pack_digest=population.pack_digest, shapes=shapes)


def _moments(
    templates: Templates, subjects: Subjects, *, pack_digest: str | None, shapes: tuple[float, float]
) -> Population:
    """Estimate mean and covariances."""
    rows = templates.astype(np.float64)
    names, at, counts = np.unique(subjects, return_inverse=True, return_counts=True)
    means = np.zeros((len(names), rows.shape[1]))
    np.add.at(means, at, rows)
    means /= counts[:, None]
    residuals = rows - means[at]
    within = residuals.T @ residuals / (len(rows) - len(names))
    mean = means.mean(axis=0)
    centred = means - mean
    between = centred.T @ centred / (len(names) - 1) - within * (1 / counts).mean()
    values, vectors = np.linalg.eigh(within)
    root = vectors * np.sqrt(np.maximum(values, values.max() * 1e-9))
    whitening = vectors / np.sqrt(np.maximum(values, values.max() * 1e-9))
    spread, turn = np.linalg.eigh(whitening.T @ between @ whitening)
    return Population(
        pack_digest=pack_digest,
        mean=mean,
        axes=turn.T @ root.T,
        spread=np.sqrt(np.maximum(spread, 0.0)),
        person_shape=shapes[0],
        picture_shape=shapes[1],
    )


def made_up_population(dim: int, *, seed: int = 0) -> Population:
    """Return a population of any dimension whose scores look like a face recogniser's; for packs without their own.

    Persons differ in all directions, in a quarter of them twice as much; pictures of one person by half of that.
    """
    turn, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((dim, dim)))
    spread = np.where(np.arange(dim) < dim // 4, 3.0, 1.5)
    return Population(
        pack_digest=None,
        mean=np.zeros(dim),
        axes=turn / np.sqrt(dim),
        spread=spread,
        person_shape=20.0,
        picture_shape=2.0,
    )


def pack_population(pack: ModelPack) -> Population | None:
    """Return the population beside a pack's manifest; None where there is none, or it is of other networks.

    Raises:
        InvalidInputError: code `population-unreadable`.
    """
    path = pack.folder / POPULATION
    if not path.is_file():
        return None
    population = read_population(path.read_bytes())
    return population if population.pack_digest == pack.digest else None


def write_population(population: Population) -> str:
    """Return the numbers as one line of JSON, to five significant digits."""
    numbers = PopulationFile(
        format=FORMAT,
        pack=population.pack_digest,
        person_shape=population.person_shape,
        picture_shape=population.picture_shape,
        mean=_rounded(population.mean),
        spread=_rounded(population.spread),
        axes=[_rounded(row) for row in population.axes],
    )
    return numbers.model_dump_json() + "\n"


def read_population(text: str | bytes) -> Population:
    """Read what `write_population` wrote.

    Raises:
        InvalidInputError: code `population-unreadable`.
    """
    try:
        numbers = PopulationFile.model_validate_json(text)
    except ValidationError as error:
        raise InvalidInputError(
            f"this is no population file: {error.errors()[0]['msg']}",
            code="population-unreadable",
            hint="install the model pack again",
        ) from None
    return Population(
        pack_digest=numbers.pack,
        mean=np.array(numbers.mean),
        axes=np.array(numbers.axes),
        spread=np.array(numbers.spread),
        person_shape=numbers.person_shape,
        picture_shape=numbers.picture_shape,
    )


def _squares(rng: np.random.Generator, rows: int, shape: float) -> NDArray[np.float32]:
    """Draw squared scales, shape (rows, 1): gamma distributed with mean 1."""
    return np.asarray(rng.standard_gamma(shape, (rows, 1), dtype=np.float32) / np.float32(shape), dtype=np.float32)


def _rounded(values: Matrix) -> list[float]:
    return [float(f"{value:.5g}") for value in values]
