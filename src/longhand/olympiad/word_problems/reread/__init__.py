"""Checking generated problems by their text alone: nothing here knows how they were made."""
