"""`python -m simulator`: what the supervisor runs."""

from simulator.commands import simulate

if __name__ == "__main__":
    simulate()
