"""How long a search will take: the parts of its work, how often each is done, and what one of them costs.

Nothing here measures or needs torch: rates are given, or those of a usual machine. `sharefind.search.estimate` measures
them with the code that will run.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from sharefind.search_sizes import Sizes


@dataclass(frozen=True)
class Rates:
    """Seconds of processor time of the pieces of work; the defaults are those of one core of a usual machine.

    Attributes:
        speed: Factor of every formula below: above 1 on a slower machine.
        bind: Seconds to fit the statistic of a test to a hypothesis; None where a formula gives it.
        copy: Seconds for each copy of the data in a test; None where a formula gives it.
        step: Seconds for one step of one trained row; None where a formula gives it.
        bind_start: Seconds by formula to fit a statistic, before samples count.
        bind_number: Seconds by formula for each number of all images of the samples, where the group is not large.
        largest_order: Images of a sample that count at most.
        copy_start: Seconds by formula for each copy, before samples count.
        copy_element: Seconds by formula for each element of the group and copy.
        row: Seconds by formula for each sample of a copy.
        row_label: Seconds by formula for each label of a sample of a copy.
        pair: Seconds by formula for each pair of samples of a copy, where the statistic compares all of them.
        block: Samples that are compared with each other at most.
        compares_all: Names of the statistics that do.
        scores: Name of the statistic that multiplies functions of vectors with what is left of the labels.
        score_bind: Seconds by formula for each sample, to fit that statistic.
        score_row: Seconds by formula for each sample of a copy there.
        score_label: Seconds by formula for each label of a sample of a copy there.
        training: Seconds by formula for each training, before its steps count.
        multiplication: Seconds by formula for each multiplication of a step.
        activation: Seconds by formula for each hidden unit of a sample of a step.
        overhead: Seconds by formula for each step.
        gate: Seconds for each number of the matrices that the test of independence multiplies.
        kernel: Seconds for each pair of samples whose distance it computes, all kernels together.
        gate_rows: Most samples that it looks at.
        input_law: Seconds for each number that the test of the inputs of a diagnosis computes.
        input_features: Features of a sample there.
        kernel_values: Most labels of which a test of a relation forms whole kernel matrices.
        tied_pair: Seconds of a test of a relation for each pair of samples and element of the group.
        factor: For each cube of the number of labels, all kernel matrices together.
        solve: For each pair of labels and copy.
        feature_start: Time of a test with too many labels for whole matrices, before they count.
        feature_label: There, for each label that the group ties.
        feature_kernel: There, for each sample and element.
        feature_copy: There, for each label of a copy.
        break_start: Time of the search for the break that a test which does not reject would have seen.
        break_pair: There, for each pair of labels that it reads, and column of these.
        break_values: Labels that it reads at most.
        risk_gap: Time of a diagnosis, before the samples count.
        risk_row: For each sample of a diagnosis, of at most `risk_rows`.
        risk_rows: Samples that it uses at most.
        diagnosed: Rejected groups that are diagnosed at most, where the law decides.
        priced: Groups whose price of tying is measured at most, where the relation decides.
        fit_round: Time of the reference scores, for each iteration of a fit.
        fit_number: For each sample and number of a network in an iteration.
        fit_rows: Samples that a fit uses at most.
        fit_work: Samples times numbers times iterations of a fit, but for `fit_rounds`.
        fit_rounds: Fewest and most iterations.
        start: Cost of every search: reading, writing, late imports.
        workers: Cost of starting worker processes.
    """

    speed: float = 1.0
    bind: float | None = None
    copy: float | None = None
    step: float | None = None
    bind_start: float = 0.04
    bind_number: float = 2e-7
    largest_order: int = 64
    copy_start: float = 3e-4
    copy_element: float = 1.2e-5
    row: float = 8e-7
    row_label: float = 3.5e-7
    pair: float = 1.35e-7
    block: int = 400
    compares_all: tuple[str, ...] = ("marginal-likelihood", "symmetric-evidence")
    scores: str = "vector-score"
    score_bind: float = 1.2e-4
    score_row: float = 3.5e-6
    score_label: float = 1.3e-7
    training: float = 0.25
    multiplication: float = 1e-9
    activation: float = 2.5e-8
    overhead: float = 1e-5
    gate: float = 4e-11
    kernel: float = 2.4e-7
    gate_rows: int = 1000
    input_law: float = 4e-9
    input_features: int = 450
    kernel_values: int = 600
    tied_pair: float = 1.2e-7
    factor: float = 2.5e-9
    solve: float = 1e-9
    feature_start: float = 0.4
    feature_label: float = 1.2e-4
    feature_kernel: float = 1e-5
    feature_copy: float = 6e-8
    break_start: float = 0.1
    break_pair: float = 2e-6
    break_values: int = 400
    risk_gap: float = 0.4
    risk_row: float = 1.5e-3
    risk_rows: int = 6000
    diagnosed: int = 4
    priced: int = 12
    fit_round: float = 1e-3
    fit_number: float = 1e-9
    fit_rows: int = 4000
    fit_work: float = 2e8
    fit_rounds: tuple[int, int] = (20, 80)
    start: float = 0.1
    workers: float = 3.0

    def of_test(self, sizes: Sizes, copies: int) -> float:
        """Seconds of a test with this number of copies."""
        bind = self.bind_by_formula(sizes) if self.bind is None else self.bind
        copy = self.copy_by_formula(sizes) if self.copy is None else self.copy
        return bind + copy * (copies + sizes.reference)

    def bind_by_formula(self, sizes: Sizes) -> float:
        """Seconds to make the statistic of a test ready."""
        if sizes.statistic == self.scores:
            return self.speed * (self.bind_start + self.score_bind * sizes.rows)
        images = sizes.rows * min(sizes.order, self.largest_order)
        return self.speed * (self.bind_start + self.bind_number * images * sizes.d_in)

    def copy_by_formula(self, sizes: Sizes) -> float:
        """Seconds for each copy of the data that a test looks at."""
        if sizes.statistic in self.compares_all:
            each = self.pair * sizes.beliefs * sizes.rows / math.ceil(sizes.rows / self.block)
            return self.speed * (self.copy_start + each * sizes.rows)
        if sizes.statistic == self.scores:
            return self.speed * (self.copy_start + (self.score_row + self.score_label * sizes.d_out) * sizes.rows)
        start = self.copy_start + self.copy_element * sizes.order
        return self.speed * (start + (self.row + self.row_label * sizes.d_out) * sizes.rows)

    def of_gate(self, sizes: Sizes, copies: int, kernels: int = 8) -> float:
        """Seconds of the test of independence."""
        pairs = min(sizes.rows, self.gate_rows) ** 2
        return self.speed * (self.kernel * pairs + self.gate * kernels * pairs * sizes.d_out * copies)

    def of_training(self, sizes: Sizes, rows: int) -> float:
        """Seconds of a training of this number of rows."""
        if self.step is not None:
            return rows * sizes.steps * self.step
        numbers = self.multiplication * sizes.dim + self.activation * sizes.hidden
        step = self.overhead + numbers * sizes.batch * sizes.particles
        return self.speed * (self.training + rows * sizes.steps * step)

    def of_diagnosis(self, sizes: Sizes) -> float:
        """Seconds of a closer look at a rejected group."""
        return self.of_inputs(sizes) + self.speed * (self.risk_gap + self.risk_row * min(sizes.rows, self.risk_rows))

    def of_inputs(self, sizes: Sizes) -> float:
        """Seconds of an exact test that the law of the inputs is invariant."""
        return self.speed * self.input_law * sizes.rows * (self.input_features + sizes.d_in) * sizes.copies

    def of_relation(self, sizes: Sizes, *, rejects: bool) -> float:
        """Seconds of a test of the relation: by whole kernel matrices, or of many labels by features.

        Args:
            sizes: Sizes of the problem.
            rejects: Whether the test rejects; otherwise the break that it would have seen is looked for.
        """
        values, columns = sizes.rows * sizes.moved, sizes.d_out / sizes.moved
        near = min(sizes.rows, self.kernel_values // sizes.moved)
        seconds = self.bind_start + self.tied_pair * near**2 * sizes.order
        if values > self.kernel_values:
            kernels = self.feature_kernel * sizes.rows * sizes.order
            copies = self.feature_copy * values * sizes.copies * columns
            seconds += self.feature_start + self.feature_label * values + kernels + copies
        else:
            seconds += self.factor * values**3 + self.solve * values**2 * sizes.copies * columns
        return self.speed * (seconds + (0.0 if rejects else self._of_break(values, columns)))

    def _of_break(self, values: int, columns: float) -> float:
        read = min(values, self.break_values)
        factored = self.factor * read**3 if values > read else 0.0
        return self.break_start + factored + self.break_pair * read**2 * columns

    def of_fit(self, sizes: Sizes) -> float:
        """Return the seconds of a network of the reference scores."""
        numbers = max(1, min(sizes.rows, self.fit_rows) * sizes.dim * sizes.yardstick_particles)
        low, high = self.fit_rounds
        rounds = min(high, max(low, self.fit_work / numbers))
        return self.speed * rounds * (self.fit_round + self.fit_number * numbers)


@dataclass(frozen=True)
class Part:
    """One part of a search.

    Attributes:
        name: Name of the work.
        low: Seconds where the candidate holds.
        high: Seconds where it does not.
        fewest: How often it is done at the least.
        most: How often it is done at the most.
    """

    name: str
    low: float
    high: float
    fewest: int = 1
    most: int = 1


@dataclass(frozen=True)
class Estimate:
    """An approximate duration of a search.

    Attributes:
        parts: In the order in which they are done: "tests", "tests of the relation", "trainings", "diagnosis",
            "yardstick".
        holds: Whether a first test indicates that the candidate holds; None where it shows nothing.
        spread: Factor around each end, for what rates and sizes do not say.
        wide: Ratio of the two ends above which each is printed with its case.
    """

    parts: tuple[Part, ...]
    holds: bool | None = None
    spread: float = 1.4
    wide: float = 4.0

    @property
    def low(self) -> float:
        """Seconds at the least."""
        return sum(p.high if self.holds is False else p.low for p in self.parts) / self.spread

    @property
    def high(self) -> float:
        """Seconds at the most, but for tests that come out near their level."""
        return sum(p.low if self.holds else p.high for p in self.parts) * self.spread

    @property
    def typical(self) -> float:
        """Seconds in the middle, by ratio."""
        return math.sqrt(max(self.low, 1e-3) * max(self.high, 1e-3))

    def part(self, name: str) -> Part:
        """The part of this name; one that costs nothing where there is none."""
        return next((p for p in self.parts if p.name == name), Part(name, 0.0, 0.0, 0, 0))

    def seconds_of(self, part: Part) -> float:
        """Typical seconds of a part."""
        if self.holds is not None:
            return part.low if self.holds else part.high
        return (part.low + part.high) / 2

    def unfinished(self, seconds: float) -> tuple[str, ...]:
        """Names of the parts that will probably not be finished within these seconds."""
        left, late = seconds, []
        for part in self.parts:
            left -= self.seconds_of(part)
            if left < 0 and self.seconds_of(part) > 0:
                late.append(part.name)
        return tuple(late)

    def __str__(self) -> str:
        """One line, such as "about 20 s to 40 s: 1 to 30 exact tests, then 2 to 4 trained spaces"."""
        nouns = {"tests": "exact test", "tests of the relation": "relation test", "trainings": "trained space"}
        work = ", then ".join(filter(None, (self._count(self.part(name), noun) for name, noun in nouns.items())))
        if self.holds is None and self.part("tests").most and self.high > self.wide * self.low:
            return f"about {seconds_by_case(self.low, self.high, self.wide)}: {work}"
        case = {True: " if the candidate holds, as a few copies say", None: ""}.get(
            self.holds, ", since the candidate does not hold, as a few copies say"
        )
        return f"about {seconds_range(self.low, self.high)}{case}: {work}"

    def _count(self, part: Part, noun: str) -> str:
        low = part.most if self.holds is False and part.name != "trainings" else part.fewest
        high = part.fewest if self.holds else part.most
        if not high:
            return ""
        if low == high:
            return f"{'up to ' if self.holds is False and high > 1 else ''}{high} {noun}{'' if high == 1 else 's'}"
        return f"{low} to {high} {noun}s"


def seconds_range(low: float, high: float, alike: float = 1.3) -> str:
    """A range of time in words.

    Args:
        low: Seconds at the least.
        high: Seconds at the most.
        alike: Ratio of the two below which they are one.
    """
    first, last = rounded_seconds(low), rounded_seconds(high)
    return last if first == last or high <= alike * low else f"{first} to {last}"


def seconds_by_case(low: float, high: float, wide: float = 4.0) -> str:
    """A range of time in words, with the case of each end where they are far apart.

    Args:
        low: Seconds where the candidate holds.
        high: Seconds where it does not.
        wide: Ratio of the two from which they are far apart.
    """
    if high <= wide * low:
        return seconds_range(low, high)
    return f"{rounded_seconds(low)} if the candidate holds, up to {rounded_seconds(high)} if it does not"


def rounded_seconds(seconds: float) -> str:
    """Seconds in the unit and to the digits that an estimate has: 3 s, 20 s, 4 min, 2 h."""
    if seconds < 1:
        return "1 s"
    for size, unit in ((86400.0, "days"), (3600.0, "h"), (60.0, "min")):
        if seconds >= 1.5 * size:
            return f"{_one_digit(seconds / size)} {unit}"
    return f"{_one_digit(seconds)} s"


def _one_digit(value: float) -> str:
    """Return a value rounded to one digit, and to steps of 5 between 10 and 100."""
    if value < 10:
        return f"{max(1, round(value))}"
    size = 10 ** math.floor(math.log10(value))
    return f"{round(2 * value / size) * size // 2:.0f}"


def estimate_from_sizes(sizes: Sizes, rates: Rates | None = None, holds: bool | None = None, jobs: int = 1) -> Estimate:
    """How long a search will take, by arithmetic alone.

    Where the candidate holds, one group is tested and two spaces are trained on. Where it does not, its subgroups are
    tested too, each with more copies, the search visits more spaces, and rejected groups are looked at.

    Args:
        sizes: Sizes of the problem.
        rates: Seconds of the pieces of work; those of a usual machine if None.
        holds: Whether a first look says that the candidate holds; None for no look.
        jobs: Processes that share the work.
    """
    rates = rates or Rates()
    parts = [*_tests(sizes, rates, jobs), _trainings(sizes, rates, jobs), _diagnosis(sizes, rates, jobs)]
    fits = 2 * rates.of_fit(sizes) + rates.start + (rates.workers if jobs > 1 else 0.0)
    return Estimate((*parts, Part("yardstick", fits, fits)), holds)


def _tests(sizes: Sizes, rates: Rates, jobs: int) -> list[Part]:
    rejected = sizes.rejected_after * sizes.copies
    gate = rates.of_gate(sizes, rejected) if sizes.has_gate else 0.0
    few, most = min(1, sizes.subgroups), sizes.subgroups
    shared = most / max(1, min(jobs, most))

    def part(name: str, begin: float, quick: float, long: float) -> Part:
        return Part(name, begin + few * quick, begin + shared * long, few, most)

    if sizes.decided_by == "law":
        return [part("tests", gate, rates.of_test(sizes, sizes.copies), rates.of_test(sizes, rejected))]
    inputs = rates.of_inputs(sizes)
    stands, fails = (rates.of_relation(sizes, rejects=rejects) for rejects in (False, True))
    return [part("tests", gate, inputs, inputs), part("tests of the relation", 0.0, stands, fails)]


def _trainings(sizes: Sizes, rates: Rates, jobs: int) -> Part:
    node = rates.of_training(sizes, sizes.trained) / jobs
    growth = rates.of_training(sizes, sizes.replicates)
    few, most = sizes.nodes
    usual = (min(few + 1, most) + most) / 2  # the search ends before Z where a subgroup holds
    return Part("trainings", few * node + (few - 1) * growth, usual * node + (usual - 1) * growth, few, most)


def _diagnosis(sizes: Sizes, rates: Rates, jobs: int) -> Part:
    by_relation = sizes.decided_by == "relation"
    looks = min(rates.priced if by_relation else rates.diagnosed, sizes.subgroups)
    rounds = -(-looks // jobs) + 1 if looks else 0  # the free model is fitted before
    seconds = rounds * rates.of_diagnosis(sizes)
    return Part("diagnosis", seconds if by_relation else 0.0, seconds, looks if by_relation else 0, looks)
