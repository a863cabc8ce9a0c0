"""Tests: unit, integration, journeys, browser, chaos, bench."""
