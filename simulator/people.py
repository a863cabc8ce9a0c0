"""Who is there to do the work (人手): the demo accounts, by area, unit and role."""

from random import Random

from simulator.client import Account, Credentials, Key


class Nobody(LookupError):
    """The credentials file has no account for this."""


class People:
    """Finds the account whose turn it is."""

    def __init__(self, credentials: Credentials) -> None:
        """Sort the accounts by what the simulator asks for."""
        self._county = credentials.of_role("county_command")
        self._checkers = [a for a in self._county if a.username.startswith("checker")]
        self._reception = credentials.of_role("receptionist")
        self._leaders = credentials.of_role("duty_leader")
        centres = [*credentials.of_role("town_centre"), *credentials.of_role("village_centre")]
        self.departments = {a.area: a for a in credentials.of_role("department")}
        self._by_area = {**self.departments, **{a.area: a for a in centres}}
        self.workers = credentials.of_role("grid_worker")
        self.open311_key = credentials.open311_key
        self._keys = credentials.keys
        if not self._county:
            raise Nobody("no county_command account in credentials.json")

    @property
    def county(self) -> Account:
        return self._county[0]

    @property
    def checker(self) -> Account:
        """A county checker (核查员), who handles nothing."""
        return (self._checkers or self._county)[-1]

    @property
    def reception(self) -> Account:
        return (self._reception or self._county)[0]

    def of_area(self, area: str) -> Account | None:
        """The centre or department account of a national code or unit code."""
        return self._by_area.get(area)

    def town(self, town_code: int | None) -> Account:
        """The town centre's account; the county's for a case without a town."""
        return self._by_area.get(str(town_code), self.county)

    def worker_near(self, rng: Random, *, cell_code: int) -> Account:
        """A demo worker of the cell's town, of its village when there is one."""
        town, village = str(cell_code // 1_000_000), str(cell_code // 1_000)
        of_town = [a for a in self.workers if a.area.startswith(town)] or self.workers
        if not of_town:
            raise Nobody("no grid_worker account in credentials.json")
        of_village = [a for a in of_town if a.area.startswith(village)]
        return rng.choice(of_village or of_town)

    def key(self, name: str) -> Key | Account:
        """An API key by name, or the county account where the file has none."""
        return Key(self._keys[name]) if name in self._keys else self.county
