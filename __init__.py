"""singwiz: from a folder of recordings to a singing voice that plays in OpenUTAU.

This file stays free of imports so that ``import singwiz`` costs nothing; the work is
in :mod:`singwiz.core`, the wizard and the command line in :mod:`singwiz.assistant`.
"""

__version__ = "0.1.0"
