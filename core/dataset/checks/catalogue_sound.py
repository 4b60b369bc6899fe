"""What is looked for in recordings, in how they fit their labels, and in DS files."""

from __future__ import annotations

from ...dictionary.rules import Rule
from ...findings import Severity

_E, _W, _N = Severity.ERROR, Severity.WARNING, Severity.NOTE

SOUND_RULES: tuple[Rule, ...] = (
    Rule(
        "item-short",
        _W,
        "Short recording",
        "Join it with its neighbour; 5 to 15 s are best.",
        "In so short a recording hardly anything but its edges is heard.",
    ),
    Rule(
        "item-long",
        _W,
        "Long recording",
        "Cut it at a pause; 5 to 15 s are best.",
        "Long recordings fill a training batch alone and run into memory limits; one bad spot "
        "spoils all of it.",
    ),
    Rule(
        "sample-rate-low",
        _W,
        "Low sample rate",
        "Use the original recording if it has a higher rate: lost highs cannot be restored.",
        "The recording has no highs above half its sample rate.",
    ),
    Rule(
        "sample-rate-other",
        _N,
        "Will be resampled",
        "Nothing to do, it is converted.",
        "The voice works at another rate than the recording.",
    ),
    Rule(
        "sample-rate-mixed",
        _N,
        "Mixed sample rates",
        "Nothing to do, they are converted.",
        "The recordings come from different sources.",
    ),
    Rule(
        "bandwidth-low",
        _W,
        "Highs are missing",
        "Look for the original recordings; highs that were cut cannot be restored.",
        "The sound ends well below what the sample rate promises: it was an MP3, a phone call, or "
        "was upsampled. The voice will sound dull.",
    ),
    Rule(
        "channels",
        _W,
        "Not mono",
        "Nothing to do if both channels are alike: they are averaged.",
        "A stereo export of a mono voice: twice the size, nothing gained.",
    ),
    Rule(
        "channels-differ",
        _W,
        "Channels differ",
        "Export one channel as mono: averaging different channels thins the voice.",
        "Two microphones or a stereo effect: their mean thins the voice out.",
    ),
    Rule(
        "level-clipped",
        _W,
        "Clipped",
        "Record it again at a lower level; clipping cannot be removed.",
        "The input was overdriven; the flattened peaks sound harsh and the voice learns that.",
    ),
    Rule(
        "level-low",
        _W,
        "Quiet",
        "Raise the level of the whole dataset by the same amount.",
        "The level was set too low, so the noise of the room is loud in comparison.",
    ),
    Rule(
        "level-outlier",
        _W,
        "Louder or quieter than the rest",
        "Adjust its level, unless it is sung that way.",
        "The distance or the gain changed between sessions; the voice would learn jumps in "
        "loudness.",
    ),
    Rule(
        "level-offset",
        _W,
        "DC offset",
        "Remove the DC offset in an audio editor.",
        "The sound card adds a constant voltage; cuts will click.",
    ),
    Rule(
        "edge-cut",
        _W,
        "Cut into a sound",
        "Cut the recording in a pause, or fade the edge over a few milliseconds.",
        "The recording was cut while something sounded, so it begins or ends with a click.",
    ),
    Rule(
        "pause-noisy",
        _W,
        "Noise in the pauses",
        "Record in a quieter room, or remove the noise gently from all recordings alike.",
        "In the pauses a fan, hum or hiss is heard. The voice learns it as a part of breath and "
        "silence.",
    ),
    Rule(
        "pause-reverberant",
        _W,
        "Reverberation",
        "Use dry recordings; take reverb off the track before exporting.",
        "The sound fades slowly after the voice stops: a live room or an effect. The voice would "
        "sing in that room for ever.",
    ),
    Rule(
        "pause-tonal",
        _W,
        "Music in the pauses",
        "Use recordings of the voice alone.",
        "In the pauses something with a pitch sounds: accompaniment, bleed from headphones, or a "
        "second voice.",
    ),
    Rule(
        "pause-voiced",
        _W,
        "Singing inside a pause",
        "Move the label's boundary, or label what is sung there.",
        "A stretch labelled SP has a pitch: the label is missing, too late, or misplaced.",
    ),
    Rule(
        "silence-in-phoneme",
        _W,
        "Silence inside a phoneme",
        "Label the silence SP, or the breath AP.",
        "Nothing sounds for a while although a phoneme is labelled; the voice learns dropouts.",
    ),
    Rule(
        "item-unvoiced",
        _W,
        "No pitch at all",
        "Remove the row if nothing is sung there.",
        "No pitch was found: a breath, a noise, or a damaged take. DiffSinger leaves such items "
        "out.",
    ),
    Rule(
        "pitch-range",
        _W,
        "Sung beyond the pitch limits",
        "Widen f0_min and f0_max.",
        "Singing at or beyond f0_min or f0_max is lost or folded into another octave when the "
        "pitch is extracted.",
    ),
    Rule(
        "pitch-jumps",
        _W,
        "Pitch jumps wildly",
        "Listen to the place; noise, creaky voice or a second voice confuse pitch extraction. "
        "Another extractor may do better.",
        "Neighbouring frames are more than 7 semitones apart again and again, as no voice sings.",
    ),
    Rule(
        "vowel-unvoiced",
        _W,
        "Vowels without pitch",
        "Listen and move the labels; whispered singing is better left out.",
        "Less than half of what is labelled as vowels has a pitch, so the labels probably stand "
        "beside the singing.",
    ),
    Rule(
        "label-shifted",
        _W,
        "Labels early or late",
        "Shift all labels of the recording by that time.",
        "The labels fit the singing well, but only when they are moved: a different start of the "
        "recording, or a delay of the audio interface.",
    ),
    Rule(
        "label-misaligned",
        _W,
        "Labels do not fit the singing",
        "Check that labels and recording belong together, then label anew.",
        "Wherever the labels are moved, voice and silence in the recording disagree with them: "
        "another take, another tempo, or a failed alignment.",
    ),
    Rule(
        "ds-invalid",
        _W,
        "DS file cannot be read",
        "Export it again from the editor, or remove it from 'ds'.",
        "The file is not valid JSON or holds no segments.",
    ),
    Rule(
        "ds-number-invalid",
        _W,
        "Not numbers in a DS file",
        "Export the file again.",
        "A curve or a list of durations has something that is not a number.",
    ),
    Rule(
        "ds-lengths-differ",
        _W,
        "Lists of different length in a DS file",
        "Export the file again.",
        "Phonemes and durations, words, or notes of a segment do not belong together.",
    ),
    Rule(
        "ds-timestep",
        _W,
        "Curve without time step",
        "Write the curve's time step, usually the one of the other curves.",
        "A curve needs '<curve>_timestep', the seconds from one value to the next.",
    ),
    Rule(
        "ds-curve-length",
        _W,
        "Curve and phonemes differ in length",
        "Export the file again after the last edit.",
        "The curve ends more than 0.1 s before or after the phonemes, so everything is shifted or "
        "cut.",
    ),
    Rule(
        "ds-slur-count",
        _W,
        "Words and slurs disagree",
        "Every word has exactly one note that is not a slur.",
        "The notes that begin a word (slur 0) are not as many as the words in ph_num.",
    ),
    Rule(
        "ds-curve-range",
        _W,
        "Curve outside its range",
        "Check what the curve was made for.",
        "Loudness curves are in dB and never above 0, tension lies within ±15, pitch in Hz is not "
        "negative.",
    ),
    Rule(
        "ds-curve-constant",
        _W,
        "Curve never moves",
        "Extract or draw the curve again.",
        "All values are equal, as no voice sings: a failed extraction or a placeholder.",
    ),
    Rule(
        "ds-index",
        _E,
        "Segment does not exist",
        "Correct the number after '#'.",
        "The name asks for a segment that the DS file does not have.",
    ),
    Rule(
        "ds-segments-unused",
        _W,
        "Only the first segment is used",
        "Give every segment a row of its own: name#0, name#1 and so on.",
        "The DS file has several segments, but a plain name means the first one only.",
    ),
    Rule(
        "ds-timestep-other",
        _N,
        "Curves of another frame length",
        "Nothing to do, they are converted; extract them again for the best precision.",
        "The curve was made with another frame length than the voice's, probably by another "
        "extractor.",
    ),
)
