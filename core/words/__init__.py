"""What singwiz says, in the language of whoever reads it.

Two kinds of words. The wizard's sentences have keys and a file per language
(``presets/words/<tag>/guide.yaml`` and ``faces.yaml``); :func:`say` fills them in. Everything that
core says (errors, findings, progress, reasons) is written in English where it happens and stays
English in files and job records; whoever shows it passes it through :func:`retell`, which
recognises the sentence and says it again in the reader's language. So a job that was started in
one language can be read in another, and core rooms need not know that there are languages.
"""

from .languages import (
    Language,
    choose,
    language,
    languages,
    matching,
    save,
    speaking,
    wanted,
)
from .retelling import join, retell
from .saying import again, entry, has, say

__all__ = [
    "Language",
    "again",
    "choose",
    "entry",
    "has",
    "join",
    "language",
    "languages",
    "matching",
    "retell",
    "save",
    "say",
    "speaking",
    "wanted",
]
