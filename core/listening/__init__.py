"""Blind listening tests: which checkpoint, vocoder or setting sounds better, counted.

``plan`` says what a test is, ``design`` in which order it is heard, ``clips`` and ``making`` where
the sounds come from, ``store`` keeps tests and answers on disk, ``statistics`` counts, ``verdict``
says the result in words. ``pack`` is the test as one HTML file for friends, ``logged`` makes tests
of what training has already played, ``companions`` measures beside the ear, ``causes`` names the
first stage that spoils the sound.
Importing the room costs nothing; torch is loaded only where a voice sings.
"""
