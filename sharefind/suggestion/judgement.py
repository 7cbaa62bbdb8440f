"""The judgement of a quick look on one group: how well it fits, how similar its columns are, and its rank."""

from __future__ import annotations

from dataclasses import dataclass

from sharefind.suggestion.actions import SuggestedAction
from sharefind.suggestion.held_out import Comparison
from sharefind.suggestion.likeness import Likeness, is_picture


@dataclass(frozen=True)
class Ranking:
    """How scores are computed. A score lies between 0 and 1; the largest one is suggested first.

    Attributes:
        holds: Score of a group whose tied model predicts as well as the free one, before its saving is added.
        picture: Score of a group on pixels whose neighbours are correlated, before its saving is added.
        pixels: Largest contribution of the saving to the score of such a group.
        rest: Largest score of any other group.
        unseen: Largest score if y does not seem to depend on x.
        power: Exponent of the share of explained variance that a tied model keeps, if it predicts worse.
        saving: Smallest saving of a group that counts as holding.
        unlike: Factor on the saving of a group that exchanges unlike columns, or unlike pairs of columns.
        plain: Penalty for each step by which a layout is less simple, if its model predicts worse.
        repeated: Factor for a group whose models equal those of a larger group.
        strong: Smallest score of a strong suggestion.
        least: Smallest score of any suggestion.
        weak: Smallest score of a suggestion after the first few.
        always: Number of these first suggestions.
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
"""Default ranking."""


@dataclass(frozen=True, eq=False)
class Judgement:
    """A group with everything that the quick look found.

    Attributes:
        action: The group on the columns.
        comparisons: Its tied models compared with the best ones, for linear and for quadratic features; empty if there
            are too few rows.
        likeness: Similarity of the columns that it exchanges.
        contrast: Degree to which the columns look like pixels of its image.
        rows: Number of rows examined.
        is_seen: Whether y depends on x for any model.
        same_as: A larger group, ranked before this one, with the same tied models; "" if there is none.
        most: Largest R^2 of any model, including models with too many coefficients to be tied by this group.
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
        """Whether all its models fit but explain less than half of what models explain for which the rows are too few
        to tie them.
        """
        return self.best is not None and all(c.holds() for c in self.comparisons) and self.best.best < 0.5 * self.most

    @property
    def best(self) -> Comparison | None:
        """The comparison whose reference explains most; None without comparisons."""
        return max(self.comparisons, key=lambda found: found.best, default=None)

    @property
    def holds(self) -> bool:
        """Whether the tied models predict as well as the best ones, and these predict better than the mean."""
        is_fit = bool(self.comparisons) and all(found.holds() for found in self.comparisons)
        return self.is_seen and is_fit and not self.is_blind

    @property
    def likely(self) -> bool | None:
        """Probable outcome of the tests of a search; None if it is not clear."""
        if self.holds:
            return True
        return False if self.is_seen and any(found.clearly_fails() for found in self.comparisons) else None

    @property
    def is_picture(self) -> bool:
        """Whether the columns look like the pixels of its image."""
        return is_picture(self.contrast, self.rows)

    @property
    def saving(self) -> float:
        """Saving of coefficients of the best comparison; 0 if no model was fitted."""
        return 0.0 if self.best is None else self.best.saving

    def score(self, ranking: Ranking = RANKING) -> float:
        """Return the score of the group.

        Args:
            ranking: How scores are computed.
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
        """Sort key of groups: score, then order, then simplicity of the layout."""
        return (-round(self.score(), 6), -self.action.size, self.action.layout.plain)
