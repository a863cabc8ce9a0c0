"""How workers move (网格员走动): from one spot of their beat to the next: pure judgement."""

from dataclasses import dataclass, field
from random import Random

from simulator.places import Cell, Spot, inside, metres

WALK_MS = 1.3
RIDE_MS = 6.0
_NEAR = 25.0


@dataclass
class Walker:
    """One worker or team on the move; `errand` is where an order sends it."""

    beat: tuple[Cell, ...]
    spot: Spot
    speed: float = WALK_MS
    target: Spot | None = None
    errand: Spot | None = None
    pause: float = field(default=0.0)

    @property
    def arrived(self) -> bool:
        """Whether the errand's place is reached."""
        return self.errand is not None and metres(self.spot, self.errand) <= _NEAR

    def step(self, rng: Random, seconds: float) -> Spot:
        """Walk on for so many simulated seconds and return where that leads."""
        if self.errand is not None:
            self._go(self.errand, seconds * RIDE_MS)
            return self.spot
        if self.pause > 0:
            self.pause -= seconds
            return self.spot
        if self.target is None or metres(self.spot, self.target) <= _NEAR:
            self.target = inside(rng, rng.choice(self.beat))
            self.pause = rng.uniform(0, 900)
        self._go(self.target, seconds * self.speed)
        return self.spot

    def _go(self, goal: Spot, reach: float) -> None:
        far = metres(self.spot, goal)
        if far <= reach:
            self.spot = goal
            return
        part = reach / far
        self.spot = Spot(
            self.spot.lon + (goal.lon - self.spot.lon) * part,
            self.spot.lat + (goal.lat - self.spot.lat) * part,
        )
