"""What a quick look says of one group: how well it fits, how alike its columns are, and where it ranks."""

from __future__ import annotations

from dataclasses import dataclass

from sharefind.suggestion.actions import SuggestedAction
from sharefind.suggestion.held_out import Comparison
from sharefind.suggestion.likeness import Likeness, is_picture


@dataclass(frozen=True)
class Ranking:
    """How scores are made. A score is between 0 and 1; the largest is suggested first.

    Attributes:
        holds: Score of a group whose tied model predicts as well as the free one, before its saving.
        picture: Of a group on pixels whose neighbours are correlated, before its saving.
        pixels: What its saving adds at the most.
        rest: Largest score of any other.
        unseen: Largest score where y does not seem to depend on x.
        power: Of the share of the explained variance that a tied model keeps, where it does worse.
        saving: Least saving of a group that counts as holding.
        unlike: Factor on the saving of a group that carries unlike columns, or unlike pairs of them, into each other.
        plain: How much less a layout counts for each step that it is less plain, where it does worse.
        repeated: Factor for a group whose models are those of a larger one.
        strong: Least score of a strong suggestion.
        least: Least score of any.
        weak: Least score of those behind the first few.
        always: How many these few are.
    """

    holds: float = 0.6
    picture: float = 0.68
    pixels: float = 0.1
    rest: float = 0.5
    unseen: float = 0.3
    power: float = 8.0
    saving: float = 0.15
    unlike: float = 0.2
    plain: float = 0.2
    repeated: float = 0.5
    strong: float = 0.62
    least: float = 0.02
    weak: float = 0.05
    always: int = 3


RANKING = Ranking()
"""What holds where nothing else is said."""


@dataclass(frozen=True, eq=False)
class Judgement:
    """A group with all that was seen of it.

    Attributes:
        action: The group on the columns.
        comparisons: Its tied models beside the best ones, with linear and with quadratic features; empty where there
            were too few rows for any.
        likeness: Of columns that it carries into each other.
        contrast: How much the columns look like pixels in its image.
        rows: Number of rows that were looked at.
        is_seen: Whether y depends on x for any model.
        same_as: A larger group before this one whose tied models are the same; "" where there is none.
        most: Largest R^2 of any model, also of those with too many numbers to be tied by this group.
    """

    action: SuggestedAction
    comparisons: tuple[Comparison, ...]
    likeness: Likeness
    contrast: float
    rows: int
    is_seen: bool
    same_as: str = ""
    most: float = 0.0

    @property
    def is_blind(self) -> bool:
        """Whether all its models fit, and see less than half of what models see that the rows are too few to tie."""
        return self.best is not None and all(c.holds() for c in self.comparisons) and self.best.best < 0.5 * self.most

    @property
    def best(self) -> Comparison | None:
        """The comparison whose reference explains most."""
        return max(self.comparisons, key=lambda found: found.best, default=None)

    @property
    def holds(self) -> bool:
        """Whether the tied models predict as well as the best ones, which see something."""
        is_fit = bool(self.comparisons) and all(found.holds() for found in self.comparisons)
        return self.is_seen and is_fit and not self.is_blind

    @property
    def likely(self) -> bool | None:
        """What the tests of a search will probably say; None where that is not clear."""
        if self.holds:
            return True
        return False if self.is_seen and any(found.clearly_fails() for found in self.comparisons) else None

    @property
    def is_picture(self) -> bool:
        """Whether the columns look like the pixels of its image."""
        return is_picture(self.contrast, self.rows)

    @property
    def saving(self) -> float:
        """How far tied numbers are fewer, less where columns are unlike; 0 where no model was fitted."""
        return 0.0 if self.best is None else self.best.saving

    def score(self, ranking: Ranking = RANKING) -> float:
        """Where the group ranks.

        Args:
            ranking: How scores are made.
        """
        is_like = self.likeness.holds() and self.likeness.is_correlated_alike()
        like = 1.0 if is_like else ranking.unlike
        if not self.is_seen or self.is_blind:
            return ranking.unseen * like * self.saving if self.comparisons else 0.0
        if self.best is None:
            return 0.0
        holding = picture = 0.0
        if self.holds and self.saving >= ranking.saving:
            holding = ranking.holds + (1 - ranking.holds) * self.saving * like
        if self.is_picture:
            picture = ranking.picture + ranking.pixels * self.saving
        fit = float(self.best.kept**ranking.power) * self.saving * (0.5 + 0.5 * like)
        score = max(holding, picture, ranking.rest * fit / (1 + ranking.plain * self.action.layout.plain))
        return ranking.repeated * score if self.same_as else score

    @property
    def rank(self) -> tuple[float, float, int]:
        """What groups are sorted by: score, then order, then how simple the layout is."""
        return (-round(self.score(), 6), -self.action.size, self.action.layout.plain)
